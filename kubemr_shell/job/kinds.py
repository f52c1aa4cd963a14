"""The names of our kinds of objects, in YAML, on an API server, and on the board of one machine."""

from __future__ import annotations

GROUP = "turbobytes.com"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
JOB_KIND, JOB_PLURAL = "MapReduceJob", "mapreducejobs"
SHARD_KIND, SHARD_PLURAL = "TaskShard", "taskshards"
POLICY_KIND, POLICY_PLURAL = "JobPolicy", "jobpolicies"
