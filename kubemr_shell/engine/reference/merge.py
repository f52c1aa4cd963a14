"""Merging sorted runs of entries into one, with a bound on how many are open at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from kubemr_shell.engine.reference.run_file import PAYLOAD_BYTES, Entry


def fan_in(memory_bytes: int) -> int:
    """How many runs are merged at once: each has one block in memory."""
    return min(512, max(8, memory_bytes // PAYLOAD_BYTES))


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
