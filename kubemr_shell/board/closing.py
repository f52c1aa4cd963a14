"""What has to be known to close a shard, from its state and the job's. Pure."""

from __future__ import annotations

from kubemr_shell.board.job_view import JobView
from kubemr_shell.board.shard import ShardState
from kubemr_shell.board.steps import Attempt, Closing
from kubemr_shell.job.state import Phase


def can_close(view: JobView, phase: Phase, shard: int, state: ShardState) -> bool:
    """Every task is done, and every reopening was carried out."""
    return state.is_covered and state.epoch == view.shard_epoch(phase, shard)


def closing_of(view: JobView, phase: Phase, shard: int, state: ShardState) -> Closing:
    """A shard that is closed again counts only the tasks that were reopened since, and takes back what they counted."""
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
