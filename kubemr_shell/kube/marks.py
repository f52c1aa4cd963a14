"""The names by which a client, the operator and the pods of a job find each other's things. Pure."""

from __future__ import annotations

CONTAINER = "worker"
"""The one of a pod that is ours; a template may add others."""
ROLE_LABEL = "turbobytes.com/role"
"""On pods and batch Jobs: what they do for their job."""
WORKER = "worker"
"""The role of those that work on it."""
CLEANUP = "cleanup"
"""The role of those that remove its temporaries."""
UID_LABEL = "turbobytes.com/job-uid"
"""On pods and shards: the uid of their job, for there may be some left of a deleted job of the same name."""
RETRY_LABEL = "turbobytes.com/retry"
"""On the batch Jobs of workers: the retry that they were made for."""
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGER = "kubemr"
"""The value of MANAGED_BY_LABEL on everything that is made for a job."""
SPEC_ANNOTATION = "turbobytes.com/spec"
"""On the batch Jobs of workers: digests of the fields of the spec for which they were made."""
REPLICAS_ANNOTATION = "turbobytes.com/replicas"
"""On the batch Jobs of workers: how many pods they were made for."""
FILES_ANNOTATION = "turbobytes.com/files"
"""On a job: the ConfigMap with the files that ``submit`` found on its user's machine."""
FILES_FOLDER = "/etc/kubemr/files"
"""Where they are in pods."""


def files_name(job: str) -> str:
    """Return the name of the ConfigMap with the files of a job."""
    return f"{job}-files"
