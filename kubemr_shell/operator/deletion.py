"""The decisions about a job that is being deleted: first its workers end, then its temporaries, then the object. Pure.

A finalizer holds the object until the temporaries are gone. The hold is bounded, and a job without temporaries is not
held: the deletion of a namespace must not hang because a bucket cannot be reached.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.board.job_moves import may_have_been_planned
from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.job.names import STATE
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.kube.owners import is_owned
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS
from kubemr_shell.kube.status import STARTING, Object, is_being_deleted, is_true, status_of
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Decision, Delete, Patch, Tell, unchanged
from kubemr_shell.operator.hindrance import NO_IMAGE, NODE_LOST, first_hindrance, is_overdue
from kubemr_shell.operator.observation import Observation, Trouble
from kubemr_shell.operator.obstacles import NOT_MADE, no_pod_for
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.output_owner import decided_output, output_of
from kubemr_shell.operator.pods import has_ended, has_succeeded, last_failure
from kubemr_shell.operator.workers import end_held_pods

FINALIZER = "turbobytes.com/cleanup"
"""The finalizer that holds the object of a job until its cleanup has ended."""
PATIENCE_SECONDS = 600.0
"""The seconds for which workers that do not end, and a cleanup that does not end, are waited for."""
START_SECONDS = 60.0
"""The seconds for which a cleanup is waited for whose hindrance seldom passes by itself."""
ROOM_SECONDS = 3600.0
"""The seconds for which a cleanup without room is waited for: a quota is full, or no node is free."""
CUT_OFF_SECONDS = 300.0
"""The seconds after which a worker on a lost node counts as ended: without the API server, it ends by itself."""
LOOK_SECONDS = 2.0
"""The seconds between two reconciliations of a job that is being deleted."""
ROOM_LOOK_SECONDS = 15.0
"""The seconds between two reconciliations while a cleanup has no room. Its pod is seen at once, by the watch."""
MOST_NAMES = 3
"""The most names of pods in a message."""
WAITS = "CleanupWaits"
"""The reason of the Event about a cleanup that has no room."""
NO_ROOM = frozenset({NOT_MADE, NODE_LOST, "Unschedulable", "SchedulingGated"})
"""The reasons that pass when other pods make room, or when another node replaces a lost one."""


def with_finalizer(seen: Observation) -> Patch | None:
    """Return the patch that adds our finalizer, or removes it when nothing is left to clean; None if it is correct."""
    held = _finalizers(seen)
    if _is_cleaned(seen):
        return _finalizers_patch(seen, _without_ours(held)) if FINALIZER in held else None
    return None if FINALIZER in held else _finalizers_patch(seen, [*held, FINALIZER])


def delete_job(seen: Observation, options: OperatorOptions) -> Decision:
    """Return the next step for a job that is being deleted."""
    if FINALIZER not in _finalizers(seen):
        return Decision()
    if working := stop_workers([seen.batch, *seen.others]):
        return Decision(actions=working, again_after=LOOK_SECONDS)
    is_late = seen.since(seen.job["metadata"]["deletionTimestamp"]) > PATIENCE_SECONDS
    running = [str(pod["metadata"]["name"]) for pod in seen.pods if not _is_gone(seen, pod)]
    if running or seen.batch is not None or seen.others:
        why = f"its workers do not end: {', '.join(running[:MOST_NAMES])}"
        return _given_up(seen, options, why) if is_late else Decision(again_after=LOOK_SECONDS)
    if has_no_temporaries(seen, options) or _is_cleaned_up(seen):
        return Decision(actions=[_released(seen)])
    if is_true(seen.cleanup, "Failed"):
        failed = last_failure(seen.cleanup_pods)
        return _given_up(seen, options, failed.message if failed else "its pod failed, or took too long")
    if seen.obstacle is not None:
        why, since = seen.obstacle.message, seen.since(seen.job["metadata"]["deletionTimestamp"])
        is_late = since > (ROOM_SECONDS if seen.obstacle.reason in NO_ROOM else PATIENCE_SECONDS)
        return _given_up(seen, options, why) if is_late else Decision(actions=_obstacle_events(seen.obstacle))
    if seen.cleanup is not None:
        return _wait_for_cleanup(seen, options)
    return _clean(seen, options, with_own_image=True)


def stop_workers(batches: Sequence[Object | None]) -> list[Action]:
    """Return the actions that delete these batch Jobs, and their pods with them. Skip those that are being deleted."""
    alive = [one["metadata"] for one in batches if one is not None and not is_being_deleted(one)]
    return [Delete(resource=BATCH_JOBS, name=one["name"], uid=one["uid"]) for one in alive]


def _wait_for_cleanup(seen: Observation, options: OperatorOptions) -> Decision:
    """Wait until the pod of the cleanup has ended. Give up after the time that its hindrance allows."""
    assert seen.cleanup is not None
    pods = _pods_of_cleanup(seen)
    delay = _delay(seen, pods)
    if delay is not None and delay.reason == NO_IMAGE and manifests.image_of(seen.cleanup) != options.image:
        return _clean(seen, options, with_own_image=False)
    began = max((str(status_of(pod).get("startTime") or "") for pod in pods), default="")
    waits = seen.since(began if delay is None and began else seen.cleanup["metadata"]["creationTimestamp"])
    if waits > _patience(delay):
        return _given_up(seen, options, delay.message if delay else "its pod has not ended yet")
    actions = end_held_pods(pods)
    if delay is not None and delay.reason in NO_ROOM and waits > START_SECONDS:
        actions += _obstacle_events(Trouble(reason=WAITS, message=_waits(seen, delay)))
        return Decision(actions=actions, again_after=ROOM_LOOK_SECONDS)
    return Decision(actions=actions, again_after=LOOK_SECONDS)


def _patience(delay: Trouble | None) -> float:
    """Return the seconds for which a cleanup with the hindrance ``delay`` is waited for; None means no hindrance."""
    if delay is None:
        return PATIENCE_SECONDS
    return ROOM_SECONDS if delay.reason in NO_ROOM else START_SECONDS


def _delay(seen: Observation, pods: Sequence[Object]) -> Trouble | None:
    """Return why a cleanup that was made does not begin; None if it has begun, or is about to."""
    assert seen.cleanup is not None
    if not pods:
        return Trouble(reason=NOT_MADE, message=no_pod_for("it", seen.cleanup))
    found = first_hindrance(pods, seen.cleanup, now=seen.now)
    return None if found is None or found.reason == STARTING else found


def _waits(seen: Observation, delay: Trouble) -> str:
    """Return the message for the user whose deleted job still exists because its cleanup has no room."""
    return (
        f"{delay.message}. The cleanup has {ROOM_SECONDS / 60:.0f} minutes to begin. To delete the job without it: "
        f"kubectl -n {seen.namespace} patch mapreducejob {seen.name} --type=merge "
        """-p '{"metadata":{"finalizers":null}}'"""
    )


def _pods_of_cleanup(seen: Observation) -> list[Object]:
    return [pod for pod in seen.cleanup_pods if seen.cleanup is not None and is_owned(pod, seen.cleanup)]


def _is_cleaned_up(seen: Observation) -> bool:
    """Return whether the cleanup has succeeded, even if a sidecar in its pod still runs."""
    return is_true(seen.cleanup, "Complete") or any(map(has_succeeded, seen.cleanup_pods))


def _is_gone(seen: Observation, pod: Object) -> bool:
    """Return whether a worker can no longer write anything."""
    return has_ended(pod) or is_overdue(pod, now=seen.now, since=CUT_OFF_SECONDS)


def _clean(seen: Observation, options: OperatorOptions, *, with_own_image: bool) -> Decision:
    if seen.problems:
        why = "its spec was changed and is no longer valid: " + "; ".join(map(str, seen.problems))
        return _given_up(seen, options, why)
    output = output_of(seen, options)
    assert output is not None
    # A job that was deleted before its workers were made may have no account, and a pod needs one.
    made = manifests.cleanup(seen, options, output, with_own_image=with_own_image)
    return Decision(actions=[*manifests.account(seen), made], again_after=LOOK_SECONDS)


def _given_up(seen: Observation, options: OperatorOptions, why: str) -> Decision:
    """Remove the finalizer, then report the temporaries that are left.

    The finalizer comes first, so that an Event that is refused does not hold the object.
    """
    # The place comes before the reason, because the end of a long message is cut off.
    text = f"its temporaries are left {left_behind(seen, options)}. They were not removed: {why}"
    return Decision(actions=[_released(seen), Tell(reason="CleanupGivenUp", message=text, warning=True)])


def left_behind(seen: Observation, options: OperatorOptions) -> str:
    """Return a text that says where the temporaries of a job are, and which command removes them."""
    where = (decided_output(seen) if seen.problems else output_of(seen, options)) or "OUTPUT"
    left = f"in {where}/{STATE}/{seen.uid}, and in incomplete uploads below {where}"
    return f"{left}: kubemr-shell clean --force {where} removes them"


def _obstacle_events(obstacle: Trouble) -> list[Action]:
    """Return the Event about an obstacle of the cleanup. An obstacle that passes by itself has no Event."""
    if obstacle.reason == STARTING:
        return []
    return [Tell(reason=obstacle.reason, message=f"its cleanup cannot begin: {obstacle.message}", warning=True)]


def end_with_namespace(seen: Observation) -> list[Action]:
    """Return the actions that end a job whose namespace is being deleted. Nothing can be created in such a namespace.

    Kubernetes deletes the pods of a namespace before anything else, and a batch Job keeps replacing its pods. So the
    batch Jobs are deleted first. The job is released without a cleanup, because no pod can be created. It is deleted at
    once, before Kubernetes deletes the Role in this namespace that permits the deletion.
    """
    actions = stop_workers([seen.batch, seen.cleanup, *seen.others])
    if FINALIZER in _finalizers(seen):
        actions.append(_released(seen))
    return [*actions, Delete(resource=JOBS, name=seen.name, uid=seen.uid)]


def _finalizers(seen: Observation) -> list[str]:
    return list(seen.job["metadata"].get("finalizers") or [])


def _without_ours(finalizers: list[str]) -> list[str]:
    return [name for name in finalizers if name != FINALIZER]


def _is_cleaned(seen: Observation) -> bool:
    """Return whether the workers have removed the temporaries. Read only two fields: the others may make no sense."""
    return seen.status.get("state") == JobState.COMPLETE and seen.status.get("cleaned") is True


def has_no_temporaries(seen: Observation, options: OperatorOptions) -> bool:
    """Return whether a job has no temporaries: no planner ever ran, or the workers of a complete job have removed them.

    A job without an output has none either, because the temporaries lie below the output.
    """
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
    return _finalizers_patch(seen, _without_ours(_finalizers(seen)))


def _finalizers_patch(seen: Observation, finalizers: list[str]) -> Patch:
    change = [*unchanged(seen.job), add("/metadata/finalizers", finalizers)]
    return Patch(resource=JOBS, name=seen.name, operations=change)
