"""The names by which a client, the operator and the pods of a job find each other's things. Pure."""

from __future__ import annotations

ROLE_LABEL = "turbobytes.com/role"
"""On pods and batch Jobs: what they do for their job."""
WORKER = "worker"
"""The role of those that work on it."""
FILES_ANNOTATION = "turbobytes.com/files"
"""On a job: the ConfigMap with the files that ``submit`` found on its user's machine."""
FILES_FOLDER = "/etc/kubemr/files"
"""Where they are in pods."""


def files_name(job: str) -> str:
    """That ConfigMap."""
    return f"{job}-files"
