"""Counters as commands count: amounts by name, in groups (protocol/SPEC.md, section 10). Pure.

A job keeps a bounded number of them, as they stand in a document that every worker reads. Which ones must not depend on
the order in which shards are closed, and one that is kept must be exact. So those are kept that are first in the order
of group and name: a counter that is among the first of a job is among the first of each part of the job too, and no
part has ever dropped it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

Counters = Mapping[str, Mapping[str, int]]
"""Group, name, amount."""
CounterName = tuple[str, str]
"""Group and name."""

MOST_COUNTERS = 1000
"""Of a phase, and of a job."""
MOST_BYTES = 128 << 10
"""Of JSON for the counters of a phase, in the document of its job."""
_BYTES_BESIDE_A_NAME = 24
"""For an amount of 64 bits, a colon and a comma; likewise for the braces of a group."""
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Counters within a bound: all of those before ``dropped_from`` in the order of group and name, and no others."""

    counters: Counters
    dropped_from: CounterName | None = None
    """None: nothing was dropped."""


def summed_counters(parts: Iterable[Counters]) -> dict[str, dict[str, int]]:
    """The amounts of all parts, added up name by name; sums wrap at 64 bits."""
    total: dict[str, dict[str, int]] = {}
    for part in parts:
        for group, names in part.items():
            of_group = total.setdefault(group, {})
            for name, amount in names.items():
                of_group[name] = (of_group.get(name, 0) + amount + _SIGN) % (2 * _SIGN) - _SIGN
    return total


def negative(counters: Counters) -> Counters:
    """What takes them off a sum again."""
    return {group: {name: -amount for name, amount in names.items()} for group, names in counters.items()}


def summed_within(parts: Iterable[Kept], *, most_bytes: int = MOST_BYTES, most: int = MOST_COUNTERS) -> Kept:
    """Add up counters, and keep those of them that are within the bounds and that no part has dropped.

    ``most_bytes`` is about their JSON, ``most`` about their number.
    """
    of_parts = list(parts)
    total = summed_counters(part.counters for part in of_parts)
    dropped = [part.dropped_from for part in of_parts if part.dropped_from is not None]
    names = sorted((group, name) for group, names in total.items() for name in names)
    size = 0
    for before, (group, name) in zip([("", ""), *names], islice(names, most), strict=False):
        if group != before[0] or before == ("", ""):
            size += _json_bytes(group)
        size += _json_bytes(name)
        if size > most_bytes:
            dropped.append((group, name))
            break
    dropped += names[most : most + 1]
    if not dropped:
        return Kept(counters=total)
    first = min(dropped)
    return Kept(counters=_before(total, first), dropped_from=first)


def _before(counters: Counters, first: CounterName) -> Counters:
    kept = {
        group: {name: amount for name, amount in names.items() if (group, name) < first}
        for group, names in counters.items()
    }
    return {group: names for group, names in kept.items() if names}


def _json_bytes(name: str) -> int:
    return len(json.dumps(name)) + _BYTES_BESIDE_A_NAME
