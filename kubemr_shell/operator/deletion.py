"""The end of a job's object: first its workers, then its temporaries, then itself. Pure.

A finalizer holds the object until the temporaries are gone, but never for longer than a few minutes: a namespace that
is deleted must not hang for a bucket that is away.
"""

from __future__ import annotations

from kubemr_shell.board.json_patch import add, replace, test
from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import load_job
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Decision, Delete, Patch, Tell
from kubemr_shell.operator.observation import Observation, is_true
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.pods import has_ended

FINALIZER = "turbobytes.com/cleanup"
PATIENCE_SECONDS = 600.0
LOOK_SECONDS = 2.0


def with_finalizer(seen: Observation) -> Patch | None:
    """The patch that has the object wait for its cleanup; None when it does."""
    held = list(seen.job["metadata"].get("finalizers") or [])
    if FINALIZER in held:
        return None
    return _with(seen, [*held, FINALIZER])


def delete_job(seen: Observation, options: OperatorOptions) -> Decision:
    """The next step towards the end of an object that somebody has deleted."""
    held = list(seen.job["metadata"].get("finalizers") or [])
    if FINALIZER not in held:
        return Decision()
    release = _with(seen, [name for name in held if name != FINALIZER])
    if seen.batch is not None:
        metadata = seen.batch["metadata"]
        return Decision(
            actions=[Delete(resource=BATCH_JOBS, name=metadata["name"], uid=metadata["uid"])], again_after=LOOK_SECONDS
        )
    if _has_nothing(seen, options) or is_true(seen.cleanup, "Complete"):
        return Decision(actions=[release])
    waited = seen.since(seen.job["metadata"]["deletionTimestamp"])
    if waited > PATIENCE_SECONDS or is_true(seen.cleanup, "Failed"):
        text = "its temporaries could not be removed: kubemr-shell clean OUTPUT does it"
        gave_up: Action = Tell(reason="CleanupGivenUp", message=text, warning=True)
        return Decision(actions=[gave_up, release])
    if any(not has_ended(pod) for pod in seen.pods) or seen.cleanup is not None:
        return Decision(again_after=LOOK_SECONDS)
    spec = load_job(dict(seen.job), seen.name).spec
    output = manifests.output_of(seen, spec, options)
    assert output is not None
    return Decision(actions=[manifests.cleanup(seen, spec, options, output)], again_after=LOOK_SECONDS)


def _has_nothing(seen: Observation, options: OperatorOptions) -> bool:
    """It never had workers, or they have removed all. No more of the status is needed: it may be spoiled."""
    status = seen.status
    if "startTime" not in status or (status.get("state") == JobState.COMPLETE and status.get("cleaned") is True):
        return True
    try:
        spec = load_job(dict(seen.job), seen.name).spec
    except InvalidSpec:
        return True
    return manifests.output_of(seen, spec, options) is None


def _with(seen: Observation, finalizers: list[str]) -> Patch:
    metadata = seen.job["metadata"]
    same = [test("/metadata/uid", seen.uid), replace("/metadata/resourceVersion", metadata["resourceVersion"])]
    return Patch(resource=JOBS, name=seen.name, operations=[*same, add("/metadata/finalizers", finalizers)])
