"""The decision whether a shard can be closed, and the facts that its close needs. Pure."""

from __future__ import annotations

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.shard_state import ShardState
from kubemr_shell.board.steps import Attempt, Closing
from kubemr_shell.job.state import Phase


def can_close(view: JobView, phase: Phase, shard: int, state: ShardState) -> bool:
    """Return whether all tasks of the shard are committed and all its reopenings are applied."""
    return state.is_covered and state.epoch == view.shard_epoch(phase, shard)


def closing_of(view: JobView, phase: Phase, shard: int, state: ShardState) -> Closing:
    """Return the step that closes a covered shard.

    If the shard was closed before, only the tasks that were reopened since then are counted. The former counts of these
    tasks are subtracted.
    """
    first = view.layout(phase).first(shard)
    counted = [Attempt(first + task, state.attempt(task)) for task in range(state.count)]
    replaced: dict[int, Attempt] = {}
    if shard in view.counted_shards(phase):
        for order in view.orders(phase, shard):
            if order.attempt is not None:
                replaced.setdefault(order.task, Attempt(first + order.task, order.attempt))
        counted = [attempt for attempt in counted if attempt.task - first in replaced]
    return Closing(
        phase=phase,
        epoch=view.shard_epoch(phase, shard),
        shard=shard,
        first=first,
        winners=tuple(state.attempt(task) for task in range(state.count)),
        counted=tuple(counted),
        replaced=tuple(replaced.values()),
    )
