"""The names by which a client, the operator and the pods of a job find each other's things. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.kube.owners import is_owned, owners_of

CONTAINER = "worker"
"""The one of a pod that is ours; a template may add others."""
ROLE_LABEL = "turbobytes.com/role"
"""On pods and batch Jobs: what they do for their job."""
WORKER = "worker"
"""The role of those that work on it."""
CLEANUP = "cleanup"
"""The role of those that remove its temporaries."""
UID_LABEL = "turbobytes.com/job-uid"
"""On pods: the uid of their job, for there may be pods left of a deleted job of the same name."""
RETRY_LABEL = "turbobytes.com/retry"
"""On the batch Jobs of workers: the retry that they were made for."""
FILES_ANNOTATION = "turbobytes.com/files"
"""On a job: the ConfigMap with the files that ``submit`` found on its user's machine."""
FILES_FOLDER = "/etc/kubemr/files"
"""Where they are in pods."""


def are_files_of(found: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether a ConfigMap is a job's, and not that of a deleted one of the same name. Anybody may make one by hand."""
    return not owners_of(found) or is_owned(found, job)


def files_name(job: str) -> str:
    """That ConfigMap."""
    return f"{job}-files"
