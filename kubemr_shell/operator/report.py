"""The reports of the operator about a job: changes of its status, and Events about new facts. Pure.

Several operators report on one job, each from caches of its own. A report therefore tests the values that it replaces.
Figures and texts are written at most once in an interval, by all operators together.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.board.stores.documents import Operation
from kubemr_shell.board.stores.json_patch import add, test
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.kube.status import STARTING, Condition, Object
from kubemr_shell.operator.actions import Decision, Patch, Tell
from kubemr_shell.operator.conditions import Stated, wanted_conditions, wanted_progress
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.pods import last_failure, lost_workers

MOST_LOST = 500
"""The most names of ended workers in the status. Older names can be dropped: their claims have expired."""
WARNINGS = (Condition.FAILED, Condition.RETRY_REFUSED, Condition.STALLED)
"""Conditions that are bad news when they are true."""
ROUTINE_SECONDS = 5.0
"""The seconds of the interval in which figures and texts are written at most once, by all operators together."""


def report(seen: Observation) -> Decision:
    """Return the actions that bring the status up to date, and the Events about new facts.

    Figures and texts that change often wait for the end of the interval. Changes that a program may wait for, such as a
    new reason or a lost worker, are written at once.
    """
    conditions, before = wanted_conditions(seen), list(seen.status.get("conditions") or [])
    progress, progress_before = wanted_progress(seen), seen.status.get("progress")
    has_progressed = bool(progress) and progress != progress_before
    lost, new = _lost(seen)
    operations: list[Operation] = []
    if conditions != before:
        operations.append(add("/status/conditions", conditions))
    if has_progressed:
        operations += [test("/status/progress", progress_before), add("/status/progress", progress)]
    if seen.status.get("observedGeneration") != seen.generation:
        # In the same patch as the conditions: `kubectl wait` ignores conditions while this number is an older one.
        operations.append(add("/status/observedGeneration", seen.generation))
    if new:
        operations.append(add("/status/lost", lost))
    if not operations:
        return Decision()
    is_urgent = (
        _reasons(conditions) != _reasons(before)
        or seen.status.get("observedGeneration") != seen.generation
        or bool(new)
        or (has_progressed and seen.has_ended)
    )
    wait = 0.0 if is_urgent else _rest_of_interval(seen)
    if wait > 0:
        return Decision(again_after=wait)
    patch = status_patch(seen, [*same_state(seen), *_next_report(seen), *operations])
    return Decision(actions=[patch, *_events(seen, conditions, before, new)])


def same_state(seen: Observation) -> list[Operation]:
    """Return the tests that the job and its state are the ones that were seen.

    They keep a report about an older state from overwriting a newer one.
    """
    return [test("/metadata/uid", seen.uid), test("/status/state", seen.view.state.value)]


def status_patch(seen: Observation, operations: list[Operation]) -> Patch:
    """Return the action that patches the status of a job."""
    return Patch(resource=JOBS, name=seen.name, operations=operations, status=True)


def _next_report(seen: Observation) -> list[Operation]:
    """Return the operations that refuse the report if another operator has reported since.

    They test a turn: the conditions cannot be tested, because a message is any text.
    """
    last = seen.status.get("report")
    turn = None if last is None else last["turn"]
    tested = test("/status/report", None) if last is None else test("/status/report/turn", turn)
    return [tested, add("/status/report", {"turn": (turn or 0) + 1, "time": seen.stamp})]


def _rest_of_interval(seen: Observation) -> float:
    """Return the seconds until a routine report is due. A stamp in the future counts as the present moment."""
    last = seen.status.get("report")
    return 0.0 if last is None else ROUTINE_SECONDS - max(0.0, seen.since(last["time"]))


def _reasons(conditions: Sequence[Object]) -> list[tuple[str, str, str]]:
    """Return the fields of conditions that programs read: type, status and reason. The messages are for people."""
    return [(one["type"], one["status"], one["reason"]) for one in conditions]


def _lost(seen: Observation) -> tuple[list[str], set[str]]:
    """Return the workers that have ended, in this order, and those of them that the status does not name yet.

    A worker stays in the list after its pod was removed, until newer names need the place.
    """
    known = list(seen.status.get("lost") or ())
    recent = [*seen.vanished, *lost_workers(seen.pods)][-MOST_LOST:]
    new = set() if seen.has_ended else set(recent) - set(known)
    kept = [name for name in known if name not in set(recent)]
    return [*kept, *recent][-MOST_LOST:], new


def _events(seen: Observation, conditions: Sequence[Stated], before: Sequence[Object], new: set[str]) -> list[Tell]:
    """Return the Events of new reasons, and of the worker that failed last among ``new``."""
    known = {one["reason"] for one in before}
    tell = [
        Tell(
            reason=one["reason"],
            message=one["message"],
            warning=one["status"] == "False" or one["type"] in WARNINGS,
        )
        for one in conditions
        if one["reason"] not in known and one["message"] and one["reason"] != STARTING
    ]
    failure = last_failure([pod for pod in seen.pods if pod["metadata"]["name"] in new])
    if failure and failure.reason not in {one.reason for one in tell}:
        tell.append(Tell(reason=failure.reason, message=failure.message, warning=True))
    return tell
