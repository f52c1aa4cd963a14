"""The obstacles of jobs: why an object that a job needs cannot be created. Pure."""

from __future__ import annotations

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.kube.owners import is_owned, owners_of
from kubemr_shell.kube.resources import Resource
from kubemr_shell.kube.status import STARTING, Object, is_being_deleted
from kubemr_shell.operator.observation import OutputOwner, Trouble

NAME_TAKEN = "NameTaken"
"""The reason of an obstacle: another object has the name, and stays."""
NOT_MADE = "CreationRefused"
"""The reason of an obstacle: the API server refuses to create an object."""


def no_pod_for(whom: str, batch: Object) -> str:
    """Return the message for a batch Job without pods. The cause is in its Events, which the operator does not read."""
    return f"no pod can be made for {whom}: kubectl describe job {batch['metadata']['name']}"


def in_the_way(resource: Resource, found: Object, job: Object) -> Trouble | None:
    """Return the obstacle if an object under a name that the job needs is not the job's own; else None.

    The garbage collector soon removes an object that was made for a deleted job of the same name, and everything that
    depends on it. So this job must not use such an object. Any other object stays, and may have permissions or pods
    that do not fit this job.
    """
    if is_owned(found, job):
        return None
    name, what = job["metadata"]["name"], f"{resource.kind} {found['metadata']['name']}"
    of_a_deleted_job = any(one["kind"] == JOB_KIND and one["name"] == name for one in owners_of(found))
    if of_a_deleted_job or is_being_deleted(found):
        return Trouble(reason=STARTING, message=f"waits until {what} of a deleted job of this name is removed")
    return Trouble(
        reason=NAME_TAKEN,
        message=f"{what} is in the way: it does not belong to this job. Delete it, or give the job another name",
    )


def left_owner(found: Object, output: str, owner: OutputOwner | None) -> Trouble:
    """Return the obstacle for an output whose owner, by the document ``found``, is not an existing job.

    If ``owner`` is a deleted job, the document is removed soon. If ``owner`` is None, nothing removes the document: a
    user made it by hand, or deleted its job with ``kubectl delete --cascade=orphan``.
    """
    name = found["metadata"]["name"]
    if owner is not None:
        message = f"waits until ConfigMap {name} is removed: its output still belongs to the deleted job {owner.name}"
        return Trouble(reason=STARTING, message=message)
    whose = (found.get("data") or {}).get("job")
    text = f"ConfigMap {name} keeps the output {output} for {f'job {whose}' if whose else 'somebody else'}"
    return Trouble(
        reason=NAME_TAKEN,
        message=f"{text}, but no existing job owns this ConfigMap, so nothing removes it: choose another output, or "
        f"kubectl -n {found['metadata']['namespace']} delete configmap {name}",
    )
