"""The names by which a client, the operator and the pods of a job find each other's objects. Pure."""

from __future__ import annotations

CONTAINER = "worker"
"""The name of our container in a pod. A template may add other containers."""
ROLE_LABEL = "turbobytes.com/role"
"""The label of pods and batch Jobs with their role: WORKER or CLEANUP."""
WORKER = "worker"
"""The role of pods and batch Jobs that work on the tasks of a job."""
CLEANUP = "cleanup"
"""The role of pods and batch Jobs that remove the temporaries of a job."""
UID_LABEL = "turbobytes.com/job-uid"
"""The label of pods and shards with the uid of their job. A deleted job of the same name may have left some."""
RETRY_LABEL = "turbobytes.com/retry"
"""The label of batch Jobs of workers with the retry for which they were made."""
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
"""The label that Kubernetes recommends for the tool that manages an object."""
MANAGER = "kubemr"
"""The value of MANAGED_BY_LABEL on all objects that are made for a job."""
SPEC_ANNOTATION = "turbobytes.com/spec"
"""The annotation of batch Jobs of workers with digests of the fields of the spec from which they were made."""
REPLICAS_ANNOTATION = "turbobytes.com/replicas"
"""The annotation of batch Jobs of workers with the number of pods for which they were made."""
FILES_ANNOTATION = "turbobytes.com/files"
"""The annotation of a job with the name of the ConfigMap that holds the files from the user's machine."""
FILES_FOLDER = "/etc/kubemr/files"
"""The folder of these files in pods."""


def files_name(job: str) -> str:
    """Return the name of the ConfigMap with the files of a job."""
    return f"{job}-files"
