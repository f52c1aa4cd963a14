"""How the tasks of a phase are laid out in shards: equal runs of neighbouring tasks, the last one may be shorter."""

from __future__ import annotations

from dataclasses import dataclass

TASKS_A_SHARD = 1000
PIECES_A_SHARD = 1 << 20
"""Partitions of all tasks of a map shard: whoever closes it holds 24 bytes for each of them in memory."""
AGENTS_A_SHARD = 10
MOST_SHARDS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """``shard_size`` is the number of tasks of every shard but the last."""

    tasks: int
    shards: int
    shard_size: int

    @classmethod
    def of(cls, tasks: int, agents: int, *, pieces: int = 1) -> Layout:
        """Lay out tasks for so many agents; ``pieces`` is how many partitions each task's output has."""
        most = max(1, min(TASKS_A_SHARD, PIECES_A_SHARD // max(1, pieces)))
        wanted = max(_ceil(tasks, most), _ceil(agents, AGENTS_A_SHARD), 1)
        shards = min(tasks, wanted, MOST_SHARDS)
        if shards == 0:
            return cls(tasks=0, shards=0, shard_size=0)
        size = _ceil(tasks, shards)
        return cls(tasks=tasks, shards=_ceil(tasks, size), shard_size=size)

    def first(self, shard: int) -> int:
        """The first task of a shard."""
        return shard * self.shard_size

    def count(self, shard: int) -> int:
        """The number of tasks of a shard."""
        return min(self.shard_size, self.tasks - self.first(shard))

    def shard_of(self, task: int) -> int:
        return task // self.shard_size


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
