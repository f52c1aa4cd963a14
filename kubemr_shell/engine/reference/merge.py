"""Merging sorted runs of entries into one, with a bound on how many are open at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from kubemr_shell.engine.reference.run_file import PAYLOAD_BYTES, Entry

_FEWEST_RUNS, _MOST_RUNS = 8, 512


class Budget:
    """How many runs may be merged at once: each of them has one block in memory.

    A block holds more than PAYLOAD_BYTES only if it holds one long line, so few runs are merged where lines are long.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._blocks = min(_MOST_RUNS, max(_FEWEST_RUNS, memory_bytes // PAYLOAD_BYTES))

    def group(self, largest_blocks: Sequence[int]) -> int:
        """How many of the first runs, by the size of their largest blocks; at least two, if there are two."""
        left = self._blocks * PAYLOAD_BYTES
        for number, size in enumerate(largest_blocks):
            left -= PAYLOAD_BYTES if size <= PAYLOAD_BYTES else 2 * size  # the block, and the line cut out of it
            if left < 0 and number >= 2:
                return number
        return len(largest_blocks)

    def allows(self, largest_blocks: Sequence[int]) -> bool:
        return self.group(largest_blocks) == len(largest_blocks)


def merged(runs: Sequence[Iterable[Entry]]) -> Iterator[Entry]:
    """The entries of all runs in order, equal lines joined into one."""
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
