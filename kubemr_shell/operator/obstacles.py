"""Why something that a job needs cannot be made. Pure."""

from __future__ import annotations

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.kube.owners import is_owned, owners_of
from kubemr_shell.kube.resources import Resource
from kubemr_shell.kube.status import STARTING, Object, is_being_deleted
from kubemr_shell.operator.observation import OutputOwner, Trouble

NAME_TAKEN = "NameTaken"
NOT_MADE = "CreationRefused"


def no_pod_for(whom: str, batch: Object) -> str:
    """Why a batch Job has no pods stands in its events, which the operator does not read."""
    return f"no pod can be made for {whom}: kubectl describe job {batch['metadata']['name']}"


def in_the_way(resource: Resource, found: Object, job: Object) -> Trouble | None:
    """What stands under a name that this job needs; None: its own.

    What was made for a deleted job of this name is removed soon by the garbage collector, and with it whatever takes
    it for its own. Anything else stays, and has rights or pods of which this job knows nothing.
    """
    if is_owned(found, job):
        return None
    name, what = job["metadata"]["name"], f"{resource.kind} {found['metadata']['name']}"
    of_a_deleted_job = any(one["kind"] == JOB_KIND and one["name"] == name for one in owners_of(found))
    if of_a_deleted_job or is_being_deleted(found):
        return Trouble(reason=STARTING, message=f"waits until {what} of a deleted job of this name is removed")
    return Trouble(
        reason=NAME_TAKEN,
        message=f"{what} is in the way, which is not this job's: delete it, or make the job under another name",
    )


def left_owner(found: Object, output: str, owner: OutputOwner | None) -> Trouble:
    """Say why an output cannot be had that no living job owns.

    ``owner``: the deleted job with which the document ``found`` goes soon. None: nobody will remove the document, as
    after ``kubectl delete --cascade=orphan``, or somebody made it by hand.
    """
    name = found["metadata"]["name"]
    if owner is not None:
        message = f"waits until ConfigMap {name} of the deleted job {owner.name} is removed, which owned its output"
        return Trouble(reason=STARTING, message=message)
    whose = (found.get("data") or {}).get("job")
    text = f"ConfigMap {name} keeps the output {output} for {f'job {whose}' if whose else 'somebody else'}"
    return Trouble(
        reason=NAME_TAKEN,
        message=f"{text}, and belongs to no job that is there, so that nothing removes it: choose another output, or "
        f"kubectl -n {found['metadata']['namespace']} delete configmap {name}",
    )
