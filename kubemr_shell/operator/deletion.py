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
    """The patch that has the object wait for its cleanup, as long as there is something to clean; None when it does."""
    held = _held(seen)
    if _is_cleaned(seen):
        return _with(seen, _others(held)) if FINALIZER in held else None
    return None if FINALIZER in held else _with(seen, [*held, FINALIZER])


def delete_job(seen: Observation, options: OperatorOptions) -> Decision:
    """The next step towards the end of an object that somebody has deleted."""
    held = _held(seen)
    if FINALIZER not in held:
        return Decision()
    release = _with(seen, _others(held))
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
        return Decision(actions=[release, gave_up])  # an event that is refused must not hold the object
    if any(not has_ended(pod) for pod in seen.pods) or seen.cleanup is not None:
        return Decision(again_after=LOOK_SECONDS)
    spec = load_job(dict(seen.job), seen.name).spec
    output = manifests.output_of(seen, spec, options)
    assert output is not None
    # A job that was deleted on its way to its workers may have no account yet, and no pod can be made without one.
    actions = [*manifests.account(seen), manifests.cleanup(seen, spec, options, output)]
    return Decision(actions=actions, again_after=LOOK_SECONDS)


def end_with_namespace(seen: Observation) -> list[Action]:
    """The end of a job whose namespace is being deleted, where nothing can be made any more.

    A namespace waits for its pods before it deletes anything else, and those of a batch Job wait for others to take
    their place: so the batch Jobs go first. No pod can clean up, so the job waits for none; and it goes at once, before
    a Role of this namespace goes that lets us do this.
    """
    batches = [one["metadata"] for one in (seen.batch, seen.cleanup) if one is not None]
    actions: list[Action] = [Delete(resource=BATCH_JOBS, name=one["name"], uid=one["uid"]) for one in batches]
    if FINALIZER in _held(seen):
        actions.append(_with(seen, _others(_held(seen))))
    return [*actions, Delete(resource=JOBS, name=seen.name, uid=seen.uid)]


def _held(seen: Observation) -> list[str]:
    return list(seen.job["metadata"].get("finalizers") or [])


def _others(finalizers: list[str]) -> list[str]:
    return [name for name in finalizers if name != FINALIZER]


def _is_cleaned(seen: Observation) -> bool:
    """No more of the status is looked at: it may be spoiled."""
    return seen.status.get("state") == JobState.COMPLETE and seen.status.get("cleaned") is True


def _has_nothing(seen: Observation, options: OperatorOptions) -> bool:
    """It never had workers, or they have removed all."""
    if "startTime" not in seen.status or _is_cleaned(seen):
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
