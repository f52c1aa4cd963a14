"""How many tasks a claim takes: work for one batch time, and not so much that other agents starve. Pure."""

from __future__ import annotations

import math

from kubemr_shell.board.timing import Timing


def claim_size(
    *, timing: Timing, slots: int, agents: int, task_us: int, available: int, together: int = 1, shards: int = 1
) -> int:
    """Tasks that one claim should hold. ``task_us`` is the time of a task in the shard, 0 while nobody knows it.

    With other agents at most this agent's share of what is available, and never more than half, unless less than the
    least batch would come of it; ``shards`` are what all agents share. So many ``together`` cost hardly more than one:
    as many as that, if there is enough for all agents.
    """
    if available <= 0:
        return 0
    wanted = max(slots, math.floor(_tasks_in(timing.batch_seconds, slots, task_us))) if task_us else slots
    if agents > 1:
        least = math.ceil(_tasks_in(timing.least_batch_seconds, slots, task_us)) if task_us else 1
        wanted = min(wanted, max(available // max(2, agents // shards), least, 1))
    wanted = max(wanted, min(together, -(-available // agents)))
    return min(wanted, available)


def _tasks_in(seconds: float, slots: int, task_us: int) -> float:
    return seconds * slots * 1_000_000 / task_us


def smoothed(task_us: int, task_seconds: float | None) -> int:
    """The time of a task after one more measurement; microseconds, at least one."""
    if task_seconds is None:
        return task_us
    measured = max(1, int(task_seconds * 1_000_000))
    return (task_us + measured) // 2 if task_us else measured
