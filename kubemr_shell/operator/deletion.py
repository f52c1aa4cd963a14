"""The end of a job's object: first its workers, then its temporaries, then itself. Pure.

A finalizer holds the object until the temporaries are gone, but never for longer than a few minutes, and not at all
where none were made: a namespace that is deleted must not hang for a bucket that is away.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.board.job_moves import may_have_been_planned
from kubemr_shell.board.json_patch import add
from kubemr_shell.job.names import STATE
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.kube.owners import is_owned
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS
from kubemr_shell.kube.status import STARTING, Object, is_being_deleted, is_true
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Decision, Delete, Patch, Tell, unchanged
from kubemr_shell.operator.observation import Observation, Trouble
from kubemr_shell.operator.obstacles import NOT_MADE, no_pod_for
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.outputs import decided_output, output_of
from kubemr_shell.operator.pods import NO_IMAGE, first_trouble, has_ended, last_failure

FINALIZER = "turbobytes.com/cleanup"
PATIENCE_SECONDS = 600.0
"""For workers that do not end, and for a cleanup that does not."""
START_SECONDS = 60.0
"""For a cleanup that something keeps from beginning."""
LOOK_SECONDS = 2.0
MOST_NAMES = 3


def with_finalizer(seen: Observation) -> Patch | None:
    """The patch that has the object wait for its cleanup, as long as there is something to clean; None when it does."""
    held = _held(seen)
    if _is_cleaned(seen):
        return _with(seen, _others(held)) if FINALIZER in held else None
    return None if FINALIZER in held else _with(seen, [*held, FINALIZER])


def delete_job(seen: Observation, options: OperatorOptions) -> Decision:
    """The next step towards the end of an object that somebody has deleted."""
    if FINALIZER not in _held(seen):
        return Decision()
    if working := stop_workers([seen.batch, *seen.others]):
        return Decision(actions=working, again_after=LOOK_SECONDS)
    is_late = seen.since(seen.job["metadata"]["deletionTimestamp"]) > PATIENCE_SECONDS
    running = [str(pod["metadata"]["name"]) for pod in seen.pods if not has_ended(pod)]
    if running or seen.batch is not None or seen.others:
        why = f"its workers do not end: {', '.join(running[:MOST_NAMES])}"
        return _given_up(seen, options, why) if is_late else Decision(again_after=LOOK_SECONDS)
    if has_nothing(seen, options) or is_true(seen.cleanup, "Complete"):
        return Decision(actions=[_released(seen)])
    if is_true(seen.cleanup, "Failed"):
        failed = last_failure(seen.cleanup_pods)
        return _given_up(seen, options, failed.message if failed else "its pod failed, or took too long")
    if seen.obstacle is not None:
        why = seen.obstacle.message
        return _given_up(seen, options, why) if is_late else Decision(actions=_told(seen.obstacle))
    if seen.cleanup is not None:
        return _wait_for_cleanup(seen, options, is_late=is_late)
    return _clean(seen, options, with_own_image=True)


def stop_workers(batches: Sequence[Object | None]) -> list[Action]:
    """Their pods end with them; what is being deleted already is left out."""
    alive = [one["metadata"] for one in batches if one is not None and not is_being_deleted(one)]
    return [Delete(resource=BATCH_JOBS, name=one["name"], uid=one["uid"]) for one in alive]


def _wait_for_cleanup(seen: Observation, options: OperatorOptions, *, is_late: bool) -> Decision:
    """Until its pod ends; not for one that cannot begin.

    One that was made late, since no operator was there before, has the time to begin all the same.
    """
    assert seen.cleanup is not None
    delay = _delay(seen.cleanup, seen.cleanup_pods)
    if delay is not None and delay.reason == NO_IMAGE and manifests.image_of(seen.cleanup) != options.image:
        return _clean(seen, options, with_own_image=False)
    has_had_time = seen.since(seen.cleanup["metadata"]["creationTimestamp"]) > START_SECONDS
    if has_had_time and (delay is not None or is_late):
        return _given_up(seen, options, delay.message if delay else "its pod has not ended yet")
    return Decision(again_after=LOOK_SECONDS)


def _delay(cleanup: Object, all_pods: Sequence[Object]) -> Trouble | None:
    """Why a cleanup that was made does not begin; None: it has begun, or is about to."""
    pods = [pod for pod in all_pods if is_owned(pod, cleanup)]
    if not pods:
        return Trouble(reason=NOT_MADE, message=no_pod_for("it", cleanup))
    return first_trouble(pods)


def _clean(seen: Observation, options: OperatorOptions, *, with_own_image: bool) -> Decision:
    if seen.problems:
        return _given_up(seen, options, "its spec was changed and is wrong now: " + "; ".join(map(str, seen.problems)))
    output = output_of(seen, options)
    assert output is not None
    # A job that was deleted on its way to its workers may have no account yet, and no pod can be made without one.
    made = manifests.cleanup(seen, options, output, with_own_image=with_own_image)
    return Decision(actions=[*manifests.account(seen), made], again_after=LOOK_SECONDS)


def _given_up(seen: Observation, options: OperatorOptions, why: str) -> Decision:
    """The object goes, and what is left is told; first the object, for an event that is refused must not hold it."""
    text = f"its temporaries are left, {left_behind(seen, options)}. They were not removed: {why}"
    return Decision(actions=[_released(seen), Tell(reason="CleanupGivenUp", message=text, warning=True)])


def left_behind(seen: Observation, options: OperatorOptions) -> str:
    """Say where the temporaries of a job are, and which command removes them."""
    where = (decided_output(seen) if seen.problems else output_of(seen, options)) or "OUTPUT"
    left = f"in {where}/{STATE}/{seen.uid}, and in uploads below {where} that nobody completed"
    return f"{left}: kubemr-shell clean --force {where} removes them"


def _told(obstacle: Trouble) -> list[Action]:
    """What is in the way of the cleanup and does not go by itself."""
    if obstacle.reason == STARTING:
        return []
    return [Tell(reason=obstacle.reason, message=f"its cleanup cannot begin: {obstacle.message}", warning=True)]


def end_with_namespace(seen: Observation) -> list[Action]:
    """The end of a job whose namespace is being deleted, where nothing can be made any more.

    A namespace waits for its pods before it deletes anything else, and those of a batch Job wait for others to take
    their place: so the batch Jobs go first. No pod can clean up, so the job waits for none; and it goes at once, before
    a Role of this namespace goes that lets us do this.
    """
    actions = stop_workers([seen.batch, seen.cleanup, *seen.others])
    if FINALIZER in _held(seen):
        actions.append(_released(seen))
    return [*actions, Delete(resource=JOBS, name=seen.name, uid=seen.uid)]


def _held(seen: Observation) -> list[str]:
    return list(seen.job["metadata"].get("finalizers") or [])


def _others(finalizers: list[str]) -> list[str]:
    return [name for name in finalizers if name != FINALIZER]


def _is_cleaned(seen: Observation) -> bool:
    """No more of the status is looked at: it may be spoiled."""
    return seen.status.get("state") == JobState.COMPLETE and seen.status.get("cleaned") is True


def has_nothing(seen: Observation, options: OperatorOptions) -> bool:
    """Return whether a job has no temporaries: none of its workers ever began, or they have removed all."""
    status = seen.status
    if "startTime" not in status or _is_cleaned(seen) or not _may_have_begun(status):
        return True
    return not seen.problems and output_of(seen, options) is None


def _may_have_begun(status: Object) -> bool:
    turn, retry = status.get("turn"), status.get("retry", 0)
    if not isinstance(turn, int) or not isinstance(retry, int):
        return True
    has_ended = status.get("state") in [state.value for state in ENDED]
    return may_have_been_planned(turn=turn, retry=retry, has_ended=has_ended)


def _released(seen: Observation) -> Patch:
    return _with(seen, _others(_held(seen)))


def _with(seen: Observation, finalizers: list[str]) -> Patch:
    change = [*unchanged(seen.job), add("/metadata/finalizers", finalizers)]
    return Patch(resource=JOBS, name=seen.name, operations=change)
