"""Merges sorted runs of entries into one run, with a bound on the number of runs that are open at a time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from kubemr_shell.engine.reference.run_file import PAYLOAD_BYTES, Entry

_FEWEST_RUNS, _MOST_RUNS = 8, 512


class Budget:
    """The bound on the number of runs that are merged at a time. Each run has one block in memory.

    A block has more than PAYLOAD_BYTES only if it holds one long line. So fewer runs are merged when lines are long.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._blocks = min(_MOST_RUNS, max(_FEWEST_RUNS, memory_bytes // PAYLOAD_BYTES))

    def group(self, largest_blocks: Sequence[int]) -> int:
        """Return how many of the first runs may be merged at a time: at least two, if there are two.

        ``largest_blocks`` has the bytes of the largest block of each run.
        """
        left = self._blocks * PAYLOAD_BYTES
        for number, size in enumerate(largest_blocks):
            left -= PAYLOAD_BYTES if size <= PAYLOAD_BYTES else 2 * size  # the block, and a copy of its line
            if left < 0 and number >= 2:
                return number
        return len(largest_blocks)

    def allows(self, largest_blocks: Sequence[int]) -> bool:
        """Return whether all these runs may be merged at a time."""
        return self.group(largest_blocks) == len(largest_blocks)


def merged(runs: Sequence[Iterable[Entry]]) -> Iterator[Entry]:
    """Yield the entries of all runs in order. Entries with equal lines become one entry with the sum of the counts."""
    last_key = last_rest = b""
    total = 0
    for key, rest, count in heapq.merge(*runs):
        if key == last_key and rest == last_rest:
            total += count
            continue
        if total:
            yield last_key, last_rest, total
        last_key, last_rest, total = key, rest, count
    if total:
        yield last_key, last_rest, total
