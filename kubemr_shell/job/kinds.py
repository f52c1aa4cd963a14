"""The names of our kinds of objects, in YAML, on an API server, and on the board of one machine."""

from __future__ import annotations

# The names under which the API server knows the kinds.
GROUP = "turbobytes.com"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
JOB_KIND, JOB_PLURAL = "MapReduceJob", "mapreducejobs"
SHARD_KIND, SHARD_PLURAL = "TaskShard", "taskshards"
POLICY_KIND, POLICY_PLURAL = "JobPolicy", "jobpolicies"
PROTOCOL = 1
"""The version of what jobs and shards hold, written as ``status.protocol``.

Raise it when an operator, a worker or a command of before would misunderstand what one of now writes.
"""
