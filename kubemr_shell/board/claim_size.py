"""The number of tasks in a claim: enough for one batch time, but few enough that other workers have work. Pure."""

from __future__ import annotations

import math

from kubemr_shell.board.timing import Timing


def claim_size(
    *, timing: Timing, slots: int, workers: int, task_us: int, available: int, together: int = 1, shards: int = 1
) -> int:
    """Return the number of tasks that one claim should hold.

    If there are other workers, the claim is at most this worker's share of the available tasks, and at most half of
    them, but never smaller than the least batch.

    ``workers``: the number of workers of the job.
    ``task_us``: the time of a task in this shard in microseconds, 0 while it is unknown.
    ``available``: the number of tasks of this shard that can be claimed.
    ``together``: the number of tasks that cost this worker hardly more than one. The claim holds at least this many, if
    all workers can have as many.
    ``shards``: the number of shards that all workers share.
    """
    if available <= 0:
        return 0
    wanted = max(slots, math.floor(_tasks_in(timing.batch_seconds, slots, task_us))) if task_us else slots
    if workers > 1:
        least = math.ceil(_tasks_in(timing.least_batch_seconds, slots, task_us)) if task_us else 1
        wanted = min(wanted, max(available // max(2, workers // shards), least, 1))
    wanted = max(wanted, min(together, -(-available // workers)))
    return min(wanted, available)


def _tasks_in(seconds: float, slots: int, task_us: int) -> float:
    return seconds * slots * 1_000_000 / task_us


def smoothed(task_us: int, task_seconds: float | None) -> int:
    """Return the smoothed time of a task in microseconds, after one more measurement. At least 1 if measured."""
    if task_seconds is None:
        return task_us
    measured = max(1, int(task_seconds * 1_000_000))
    return (task_us + measured) // 2 if task_us else measured
