"""The layout of the tasks of a phase in shards: equal runs of neighbouring tasks; the last may be shorter. Pure."""

from __future__ import annotations

from dataclasses import dataclass

TASKS_A_SHARD = 1000
"""The greatest number of tasks in a shard, so that its document stays small."""
PIECES_A_SHARD = 1 << 20
"""The greatest number of tasks times partitions in a map shard. Closing a shard takes 24 bytes of memory for each."""
WORKERS_A_SHARD = 10
"""The number of workers that share a shard, if there are enough tasks for as many shards."""
MOST_SHARDS = 1500
"""The greatest number of shards of a phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The shards of a phase. ``shard_size`` is the number of tasks of every shard except the last."""

    tasks: int
    shards: int
    shard_size: int

    @classmethod
    def of(cls, tasks: int, workers: int, *, pieces: int = 1) -> Layout:
        """Lay out tasks in shards for a number of ``workers``.

        ``pieces``: the number of partitions in the output of a task. The more pieces, the fewer tasks a shard has.
        """
        most = max(1, min(TASKS_A_SHARD, PIECES_A_SHARD // max(1, pieces)))
        wanted = max(_ceil(tasks, most), _ceil(workers, WORKERS_A_SHARD), 1)
        shards = min(tasks, wanted, MOST_SHARDS)
        if shards == 0:
            return cls(tasks=0, shards=0, shard_size=0)
        size = _ceil(tasks, shards)
        return cls(tasks=tasks, shards=_ceil(tasks, size), shard_size=size)

    def first(self, shard: int) -> int:
        """Return the first task of a shard."""
        return shard * self.shard_size

    def count(self, shard: int) -> int:
        """Return the number of tasks of a shard."""
        return min(self.shard_size, self.tasks - self.first(shard))

    def shard_of(self, task: int) -> int:
        """Return the shard of a task."""
        return task // self.shard_size


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
