"""The parts of a job's status beside its state: conditions, progress, times. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.retrying import unused_changes
from kubemr_shell.board.wait_reports import waits_of
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.kube.status import STARTING, Condition, Object, condition, is_true
from kubemr_shell.operator.hindrance import first_hindrance, is_cut_off, is_overdue
from kubemr_shell.operator.observation import Observation, Trouble
from kubemr_shell.operator.obstacles import NOT_MADE, no_pod_for
from kubemr_shell.operator.pods import has_ended, is_alive, last_failure
from kubemr_shell.operator.spec_changes import changed_of_pods
from kubemr_shell.screens.failure import failure_lines

LONGEST_MESSAGE = 4000
"""The most characters of a message in the status."""
REFUSED = "RequestsRefused"
"""The reason of a condition while a worker waits because its requests are refused."""
FIRST_POD_SECONDS = 10.0
"""The seconds that the controller of batch Jobs has to create the first pod."""

Stated = dict[str, Any]
"""A condition in the form that it has in the status."""


def wanted_conditions(seen: Observation) -> list[Stated]:
    """Return all conditions that the job should have. A condition whose status does not change keeps its time."""
    kinds = (_workers, _suspended, _stalled, _complete, _failed, _retry_refused, _not_applied)
    return [_timed(seen, one) for kind in kinds if (one := kind(seen))]


def wanted_progress(seen: Observation) -> dict[str, Any]:
    """Return the progress for the status: the epoch, and for each phase but PUBLISH the done tasks as ``12/40``.

    Within an epoch, no figure falls below the one in the status, which an operator that has read later may have
    written. If the epoch rises during MAP or REDUCE, the old figures stay until the tasks of the new epoch are read.
    """
    view, stated = seen.view, seen.status.get("progress") or {}
    if view.plan is None:
        return {}
    read = seen.progress if seen.progress and _place(seen.progress.view) == _place(view) else None
    is_comparable = stated.get("epoch", view.epoch) == view.epoch
    if not is_comparable and read is None and view.phase in (Phase.MAP, Phase.REDUCE):
        return dict(stated)
    done: dict[str, Any] = {"epoch": view.epoch}
    for phase in view.plan.phases:
        if phase is Phase.PUBLISH:
            continue
        tasks = view.layout(phase).tasks
        counts = [view.closed_tasks(phase)]
        if read is not None and view.phase is phase:
            counts.append(read.tasks_done)
        if is_comparable:
            counts.append(_stated_tasks(stated, phase, tasks))
        done[phase.value] = f"{max(counts)}/{tasks}"
    return done


def _place(view: JobView) -> tuple[Phase | None, int]:
    """Return phase and epoch. The figures of two views can be compared only if both are equal."""
    return view.phase, view.epoch


def _stated_tasks(stated: Mapping[str, Any], phase: Phase, tasks: int) -> int:
    """Return how many of ``tasks`` tasks are done by the status; 0 if the status is about another plan."""
    count, _, total = str(stated.get(phase.value, "")).partition("/")
    return int(count) if total == str(tasks) else 0


def _workers(seen: Observation) -> Stated | None:
    """Return the condition that says whether all workers run, and if not, why not."""
    if seen.has_ended:
        return None
    if seen.obstacle is not None:
        return _condition(Condition.WORKERS_READY, False, seen.obstacle.reason, seen.obstacle.message)
    if seen.batch is None:
        return None
    pods = seen.present_pods
    alive = sum(is_alive(pod) and not is_cut_off(pod) for pod in pods)
    count = seen.batch["spec"]["parallelism"] - sum(is_overdue(pod, now=seen.now) for pod in pods)
    found = first_hindrance(pods, seen.batch, now=seen.now) if alive < max(1, count) else None
    stops = _refused(seen) if found is None or found.reason == STARTING else found
    if stops is not None:
        return _condition(Condition.WORKERS_READY, False, stops.reason, stops.message)
    if alive < count:
        delay = _delay(seen, f"{alive} of {count} workers run", found)
        return _condition(Condition.WORKERS_READY, False, delay.reason, delay.message)
    return _condition(Condition.WORKERS_READY, True, "Running", f"{count} workers run")


def _refused(seen: Observation) -> Trouble | None:
    """Return the wait that a running worker has recorded in the job; None if there is none."""
    waits = waits_of(dict(seen.job))
    if waits is None or not any(pod["metadata"]["name"] == waits[0] for pod in seen.present_pods if is_alive(pod)):
        return None
    return Trouble(reason=REFUSED, message=f"pod {waits[0]}: {waits[1]}")


def lacks_pods(seen: Observation) -> bool:
    """Return whether no pod of a running job works, although its batch Job has had time to create one."""
    if seen.batch is None or seen.is_deleted or seen.has_ended:
        return False
    return _has_had_time(seen, seen.batch) and all(map(has_ended, seen.present_pods))


def _has_had_time(seen: Observation, batch: Object) -> bool:
    """Return whether a batch Job that is not suspended has had time to create its first pod."""
    age = seen.since(batch["metadata"].get("creationTimestamp"))
    return age > FIRST_POD_SECONDS and not is_true(batch, "Suspended")


def _delay(seen: Observation, how_many: str, passing: Trouble | None) -> Trouble:
    """Return why not all workers run, if no existing pod has a hindrance that needs help."""
    failed = last_failure(seen.present_pods)
    if failed is not None:
        return Trouble(reason=failed.reason, message=f"{how_many}; the last failure: {failed.message}")
    assert seen.batch is not None
    if not seen.present_pods and _has_had_time(seen, seen.batch):
        return Trouble(reason=NOT_MADE, message=f"{how_many}: {no_pod_for('them', seen.batch)}")
    return Trouble(reason=STARTING, message=f"{how_many}; {passing.message}" if passing else how_many)


def _suspended(seen: Observation) -> Stated | None:
    if seen.batch is None or seen.has_ended:
        return None
    if is_true(seen.batch, "Suspended"):
        return _condition(
            Condition.SUSPENDED,
            True,
            "Suspended",
            "its workers wait: spec.suspend is true, or a queue has not admitted the job yet",
        )
    return _condition(Condition.SUSPENDED, False, "Running", "")


def _stalled(seen: Observation) -> Stated | None:
    """Return the condition that says whether a job is stalled. If this operator does not know yet, keep the old one."""
    if seen.has_ended:
        return None
    if is_true(seen.batch, "Suspended") or seen.is_stalled is False:
        return _no_longer(seen, Condition.STALLED, reason="Moving")
    if seen.is_stalled is None:
        stated = condition(seen.job, Condition.STALLED)
        return None if stated is None else dict(stated)
    workers = _workers(seen)
    if workers is not None and workers["status"] == "False" and workers["reason"] != STARTING:
        return _condition(Condition.STALLED, True, workers["reason"], workers["message"])
    text = "its workers have made no progress for long: see kubemr-shell logs and kubectl describe pods"
    return _condition(Condition.STALLED, True, "NothingMoves", text)


def _complete(seen: Observation) -> Stated | None:
    view = seen.view
    if view.state is not JobState.COMPLETE:
        return _no_longer(seen, Condition.COMPLETE, reason="Reopened")
    results: Mapping[str, Any] = view.results or {}
    return _condition(
        Condition.COMPLETE, True, "Complete", f"{results.get('parts', 0)} parts in {results.get('output', '')}"
    )


def _failed(seen: Observation) -> Stated | None:
    view = seen.view
    if view.state is JobState.CANCELLED:
        return _condition(Condition.FAILED, True, "Cancelled", "spec.cancel was set")
    if view.state is not JobState.FAIL:
        return _no_longer(seen, Condition.FAILED, reason="Retried")
    return _condition(
        Condition.FAILED,
        True,
        str((view.failure or {}).get("kind", "Failed")),
        failure_text(seen.name, view.failure),
    )


def _retry_refused(seen: Observation) -> Stated | None:
    refused = seen.status.get("retryRefused")
    if not refused:
        return _no_longer(seen, Condition.RETRY_REFUSED, reason="Retried")
    return _condition(
        Condition.RETRY_REFUSED, True, str(refused["reason"]), f"retry {refused['retry']}: {refused['message']}"
    )


def _not_applied(seen: Observation) -> Stated | None:
    """Return the condition about fields of the spec that have no effect."""
    found = None if seen.has_ended else _ignored(seen)
    if found is None:
        return _no_longer(seen, Condition.NOT_APPLIED, reason="Applied")
    return _condition(Condition.NOT_APPLIED, True, found.reason, found.message)


def _ignored(seen: Observation) -> Trouble | None:
    if seen.view.publishing and seen.job["spec"].get("cancel"):
        why = "spec.cancel has no effect: the results are being published, and from then on a job can only complete"
        return Trouble(reason="CancelTooLate", message=why)
    changed = set() if seen.batch is None else changed_of_pods(seen.job["spec"], seen.batch)
    changed |= set() if seen.problems else set(unused_changes(seen.view, seen.spec))
    if not changed:
        return None
    message = (
        f"the workers still use the old values of {', '.join(sorted(changed))} of the spec. To use the new ones: "
        f"kubemr-shell cancel {seen.name} && kubemr-shell retry {seen.name}"
    )
    return Trouble(reason="WorkersExist", message=message)


def failure_text(job: str, failure: Mapping[str, Any] | None) -> str:
    """Return the text that says why a job failed."""
    return "\n".join(failure_lines({"reason": "", **(failure or {})}, job=job, debug=[], resume=[]))[:LONGEST_MESSAGE]


def _no_longer(seen: Observation, kind: Condition, *, reason: str) -> Stated | None:
    """Return the condition as false, for programs that wait for its end; None if the job never had the condition."""
    return _condition(kind, False, reason, "") if condition(seen.job, kind) else None


def _condition(kind: Condition, status: bool, reason: str, message: str) -> Stated:
    return {"type": kind.value, "status": str(status), "reason": reason, "message": message}


def _timed(seen: Observation, one: Stated) -> Stated:
    """Return the condition with ``lastTransitionTime``: the time of the last change of its status."""
    before: Object | None = condition(seen.job, one["type"])
    stays = before is not None and before["status"] == one["status"]
    stamp = before["lastTransitionTime"] if before is not None and stays else seen.stamp
    return {**one, "lastTransitionTime": stamp}
