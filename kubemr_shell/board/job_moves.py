"""The changes of the state of a job. Pure: each function takes a view and returns a view, or raises IllegalTransition.

A function returns the same view if there is nothing to do. ``job_patch`` turns the difference into a patch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubemr_shell.board.job_state import JobView, PlanFacts, Role
from kubemr_shell.board.lane import Lane, Totals, lane_of
from kubemr_shell.board.shard_state import Reopening
from kubemr_shell.board.steps import RoleName
from kubemr_shell.errors import IllegalTransition
from kubemr_shell.job.counters import Counters
from kubemr_shell.job.fingerprint import pins_of_maps, plan_fingerprint
from kubemr_shell.job.state import ENDED, JobEvent, JobState, Phase, after

MOST_REOPENED = 5000
"""The most tasks of a phase that are ordered to run again at one time. An order takes about 14 bytes of the document,
which every worker reads, and which the API server limits to 1.5 MB."""


def deploy(view: JobView) -> JobView:
    """Move the job from PENDING to DEPLOYING, or from DEPLOYING to DEPLOYED. In any other state it stays unchanged."""
    events = {JobState.PENDING: JobEvent.DEPLOY, JobState.DEPLOYING: JobEvent.DEPLOYED}
    return replace(view, state=after(view.state, events[view.state])) if view.state in events else view


def role_is_open(view: JobView, name: RoleName) -> bool:
    """Return whether the job now needs a worker in this role: a planner or a finisher."""
    if name == "planner":
        return view.state is JobState.DEPLOYED and view.plan is None
    return view.state is JobState.PUBLISH and view.is_closed(Phase.PUBLISH)


def may_have_been_planned(*, turn: int, retry: int, has_ended: bool) -> bool:
    """Return whether a planner may ever have worked on the job, so that the job may have temporaries.

    Every move up to the plan raises the turn. Two moves lead to DEPLOYED, the next can be the planner's, and the end of
    the job is one more.
    """
    return retry > 0 or turn - has_ended > 2


def take_role(view: JobView, name: RoleName, role: Role | None) -> JobView:
    """Set the holder of a role. With None, the role has no holder."""
    return replace(view, planner=role) if name == "planner" else replace(view, finisher=role)


def record_plan(view: JobView, facts: PlanFacts, workers: int) -> JobView:
    """Record the plan, laid out in shards for the number of ``workers``, and begin the first phase."""
    plan = facts.with_layouts(workers)
    return go_on(replace(view, plan=plan, lanes=plan.lanes(), spec=facts.spec, planner=None))


def go_on(view: JobView) -> JobView:
    """Move a planned job to its first phase with open shards. A retried job continues there."""
    assert view.plan is not None
    phase = next((phase for phase in view.plan.phases if not view.is_closed(phase)), Phase.PUBLISH)
    return replace(view, state=JobState[phase.name], publishing=view.publishing or phase is Phase.PUBLISH)


def catch_up(view: JobView) -> JobView:
    """Move a planned job to its first phase with open shards, if no worker has done so yet.

    A retried job has to continue. Two workers may also have closed the last two shards of a
    phase in different lanes at the same time; then neither of them has moved the job.
    """
    return go_on(view) if view.plan and (view.phase or view.state is JobState.DEPLOYED) else view


def close(view: JobView, *, phase: Phase, shard: int, counters: Counters, totals: Totals, finisher: Role) -> JobView:
    """Close a shard and add its counters. The last of a phase begins the next; the last of all sets a finisher."""
    lanes = len(view.lanes[phase])
    closed = go_on(_with_lane(view, phase, shard, lambda lane: lane.with_closed(shard, counters, totals, lanes=lanes)))
    return take_role(closed, "finisher", finisher) if role_is_open(closed, "finisher") else closed


def reopen(view: JobView, *, phase: Phase, shard: int, spoiled: Iterable[tuple[int, int]]) -> JobView:
    """Order committed tasks of a shard to run again in a new epoch. ``spoiled`` has (task in the shard, attempt) pairs.

    If the job is publishing the outputs of the shard, the task of PUBLISH for this shard is ordered again too.
    """
    epoch = view.epoch + 1
    orders = [Reopening(epoch=epoch, task=task, attempt=attempt) for task, attempt in spoiled]
    reopened = _with_orders(replace(view, epoch=epoch, finisher=None), phase, shard, orders)
    if view.plan and phase is view.plan.output_phase and view.publishing:
        layout = view.layout(Phase.PUBLISH)
        publish_shard = layout.shard_of(shard)
        order = Reopening(epoch=epoch, task=shard - layout.first(publish_shard), attempt=None)
        reopened = _with_orders(reopened, Phase.PUBLISH, publish_shard, [order])
    return go_on(reopened)


def room_for_orders(view: JobView, phase: Phase) -> int:
    """Return how many more tasks of a phase may be reopened now.

    The next reader of the other lost outputs reports them again, after the first tasks have run again.
    """
    closed = view.closed_shards(phase)
    ordered = sum(len(orders) for shard, orders in view.reopened.get(phase, {}).items() if shard not in closed)
    return max(MOST_REOPENED - ordered, 0)


def may_reopen(view: JobView, phase: Phase) -> bool:
    """Return whether a task may still read the outputs of ``phase``.

    That is so while the job is in an earlier phase, in ``phase``, or in the next one.
    """
    if view.plan is None or view.phase is None or phase not in view.plan.phases:
        return False
    return view.plan.phases.index(phase) >= view.plan.phases.index(view.phase) - 1


def fail(view: JobView, facts: Mapping[str, Any]) -> JobView:
    """Fail the job, with the facts of the failure. Raise IllegalTransition if it has begun to publish."""
    _refuse_when_publishing(view, "fail")
    return replace(view, state=after(view.state, JobEvent.FAIL), failure=dict(facts), planner=None, finisher=None)


def cancel(view: JobView) -> JobView:
    """Cancel the job. Raise IllegalTransition if it has begun to publish, or has ended in another state."""
    if view.state is JobState.CANCELLED:
        return view
    _refuse_when_publishing(view, "be cancelled")
    return replace(view, state=after(view.state, JobEvent.CANCEL), planner=None, finisher=None)


def retry(view: JobView, spec: Mapping[str, Any] | None) -> JobView:
    """Let an ended job begin again, with its uncommitted tasks, once it is deployed. A running job stays unchanged."""
    if view.state not in ENDED:
        return view
    return _with_spec(_begun_again(view), spec)


def redo_reduces(view: JobView, spec: Mapping[str, Any]) -> JobView:
    """Keep the maps, and start the phases after them again, in shards of a new epoch."""
    _refuse_when_publishing(view, "repeat its reduce tasks")
    return _redone(_with_spec(_with_maps_alone(view), spec))


def redo_maps(view: JobView, spec: Mapping[str, Any]) -> JobView:
    """Keep only the plan, and start every phase again, in shards of a new epoch and with the present files."""
    _refuse_when_publishing(view, "repeat its map tasks")
    begun = _with_spec(_without(view, tuple(Phase)), spec)
    return _redone(replace(begun, plan=replace(begun.plan, files={})) if begun.plan else begun)


def reduce_anew(view: JobView, spec: Mapping[str, Any]) -> JobView:
    """Let a complete job keep its plan and its maps, and repeat the rest under another spec.

    The old result stays until the new result is published, so until then the job may fail or be cancelled. Raise
    IllegalTransition if the job has no map outputs.
    """
    if view.cleaned or view.plan is None or view.plan.map_only:
        raise IllegalTransition("a job without map outputs cannot repeat its reduce tasks")
    begun = _begun_again(_with_spec(_with_maps_alone(view), spec), JobEvent.REDUCE_ANEW)
    return replace(begun, publishing=False, results=None, replaces=view.results)


def complete(view: JobView, results: Mapping[str, Any]) -> JobView:
    """Make the job COMPLETE, with its results."""
    return replace(
        view,
        state=after(view.state, JobEvent.PUBLISHED),
        results=dict(results),
        replaces=None,
        finisher=None,
        cleaned=False,
    )


def cleaned(view: JobView) -> JobView:
    """Record that the temporaries are removed. Raise IllegalTransition if the job has not ended."""
    if view.state not in ENDED:
        raise IllegalTransition(f"a job that is {view.state} still needs its temporaries")
    return replace(view, cleaned=True)


def _begun_again(view: JobView, event: JobEvent = JobEvent.RETRY) -> JobView:
    return replace(
        view,
        state=after(view.state, event),
        retry=view.retry + 1,
        failure=None,
        planner=None,
        finisher=None,
        cleaned=False,
    )


def _redone(view: JobView) -> JobView:
    """Begin the job again. A job that has not ended continues, with workers that know its new spec."""
    if view.state in ENDED:
        return _begun_again(view)
    again = replace(view, retry=view.retry + 1, planner=None, finisher=None)
    return go_on(again) if again.phase else again


def _with_maps_alone(view: JobView) -> JobView:
    """Drop the work after the maps, and the pins of files that no map reads."""
    kept = _without(view, (Phase.REDUCE, Phase.PUBLISH))
    if kept.plan is None:
        return kept
    return replace(kept, plan=replace(kept.plan, files=pins_of_maps(kept.plan.spec, kept.plan.files)))


def _without(view: JobView, phases: Collection[Phase]) -> JobView:
    """Drop the work of these phases: they start again, in shards of a new epoch."""
    epoch = view.epoch + 1
    return replace(
        view,
        epoch=epoch,
        bases={**view.bases, **dict.fromkeys(phases, epoch)},
        lanes={
            phase: {number: lane.begun_anew() for number, lane in lanes.items()} if phase in phases else lanes
            for phase, lanes in view.lanes.items()
        },
        reopened={phase: orders for phase, orders in view.reopened.items() if phase not in phases},
    )


def settle(view: JobView, spec: Mapping[str, Any], files: Mapping[str, str]) -> JobView:
    """Fix the spec and ``files``, the pins of files and archives, for all workers. A settled plan stays unchanged."""
    if view.plan is None or view.plan.is_settled:
        return view
    plan = replace(view.plan, spec=dict(spec), files=dict(files), fingerprint=plan_fingerprint(spec, files))
    return replace(view, spec=dict(spec), plan=plan)


def _with_spec(view: JobView, spec: Mapping[str, Any] | None) -> JobView:
    """Give the job another spec, which the first worker settles."""
    if spec is None:
        return view
    plan = replace(view.plan, spec=dict(spec), fingerprint="") if view.plan else None
    return replace(view, spec=dict(spec), plan=plan)


def _with_orders(view: JobView, phase: Phase, shard: int, orders: Sequence[Reopening]) -> JobView:
    """Add orders to a shard and open it. If the shard was closed, the new orders replace its old, applied orders.

    Of all other closed shards, only the last order stays: the names of their manifests have its epoch.
    """
    closed = view.closed_shards(phase)
    of_phase = {
        number: (max(applied, key=lambda order: order.epoch),) if number in closed else applied
        for number, applied in view.reopened.get(phase, {}).items()
    }
    of_task = {} if shard in closed else {order.task: order for order in of_phase.get(shard, ())}
    for order in orders:
        # The attempt whose counts have to be subtracted is that of the first order since the shard was closed.
        of_task[order.task] = replace(of_task.get(order.task, order), epoch=order.epoch)
    of_phase[shard] = tuple(of_task.values())
    opened = _with_lane(view, phase, shard, lambda lane: lane.with_open(shard))
    return replace(opened, reopened={**view.reopened, phase: of_phase})


def _with_lane(view: JobView, phase: Phase, shard: int, change: Callable[[Lane], Lane]) -> JobView:
    lanes = view.lanes[phase]
    number = lane_of(lanes, shard)
    return replace(view, lanes={**view.lanes, phase: {**lanes, number: change(lanes[number])}})


def _refuse_when_publishing(view: JobView, what: str) -> None:
    """Raise IllegalTransition if the job has begun to publish.

    This holds also if the job went back from PUBLISH to repeat a lost output: parts may already be visible.
    """
    if view.publishing:
        raise IllegalTransition(f"a job that has begun to publish its results ({view.state}) cannot {what}")
