"""What the operator says of a job: its status, as far as it is something else now, and Events of what is new. Pure."""

from __future__ import annotations

from kubemr_shell.board.documents import Operation
from kubemr_shell.board.json_patch import add, test
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.kube.status import STARTING, Condition
from kubemr_shell.operator.actions import Action, Patch, Tell
from kubemr_shell.operator.conditions import wanted_conditions, wanted_progress
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.pods import last_failure, lost_workers

MOST_LOST = 500
"""Names of workers that are gone, in the status. An older one is gone for so long that its claims have expired."""


def report(seen: Observation) -> list[Action]:
    operations: list[Operation] = []
    tell: list[Tell] = []
    conditions = wanted_conditions(seen)
    before = seen.status.get("conditions") or []
    if conditions != before:
        operations.append(add("/status/conditions", conditions))
        reasons = {one["reason"] for one in before}
        tell = [
            Tell(
                reason=one["reason"],
                message=one["message"],
                warning=one["status"] == "False" or one["type"] in (Condition.FAILED, Condition.RETRY_REFUSED),
            )
            for one in conditions
            if one["reason"] not in reasons and one["message"] and one["reason"] != STARTING
        ]
    progress = wanted_progress(seen)
    if progress and progress != (seen.status.get("progress") or {}):
        operations.append(add("/status/progress", progress))
    if seen.status.get("observedGeneration") != seen.generation:
        # With the conditions: `kubectl wait` takes them for those of an older spec until this says otherwise.
        operations.append(add("/status/observedGeneration", seen.generation))
    lost = set(lost_workers(seen.pods)[-MOST_LOST:])
    new = lost - set(seen.status.get("lost") or ())
    if new and not seen.has_ended:
        operations.append(add("/status/lost", sorted(lost)))
        failure = last_failure([pod for pod in seen.pods if pod["metadata"]["name"] in new])
        if failure and failure.reason not in {one.reason for one in tell}:
            tell.append(Tell(reason=failure.reason, message=failure.message, warning=True))
    if not operations:
        return [*tell]
    return [status_patch(seen, [*same_state(seen), *operations]), *tell]


def same_state(seen: Observation) -> list[Operation]:
    """It is the job that was seen, and in that state: what is written of one that has gone on would be of the past."""
    return [test("/metadata/uid", seen.uid), test("/status/state", seen.view.state.value)]


def status_patch(seen: Observation, operations: list[Operation]) -> Patch:
    return Patch(resource=JOBS, name=seen.name, operations=operations, status=True)
