"""The counters of commands: amounts by group and name (protocol/SPEC.md, section 10). Pure.

A job keeps a bounded number of counters, because they are a part of a document that every worker reads. The choice must
not depend on the order in which shards are closed, and a counter that is kept must be exact. So a job keeps the first
counters in the order of group and name. A counter that is among the first of a job is also among the first of each part
of the job, so no part has dropped it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

Counters = Mapping[str, Mapping[str, int]]
"""The amounts, by group and name."""
CounterName = tuple[str, str]
"""The group and the name of a counter."""

MOST_COUNTERS = 1000
"""The most counters of a phase, and of a job."""
MOST_OF_A_PART = MOST_COUNTERS + 1
"""The most counters of an attempt, and of a shard: with one more than a job keeps, the job knows that it drops some."""
MOST_BYTES = 128 << 10
"""The most bytes of JSON for the counters of a phase, in the document of the job."""
_BYTES_BESIDE_A_NAME = 24
"""The bytes of JSON for an amount of 64 bits, a colon and a comma, or for the braces of a group."""
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Counters within the bounds: all before ``dropped_from`` in the order of group and name, and no others."""

    counters: Counters
    dropped_from: CounterName | None = None
    """The first counter that was dropped; None if no counter was dropped."""


def summed_counters(parts: Iterable[Counters]) -> dict[str, dict[str, int]]:
    """Return the sums of the amounts of all parts, by group and name. Sums wrap at 64 bits."""
    total: dict[str, dict[str, int]] = {}
    for part in parts:
        _add(total, part)
    return total


def summed_first(parts: Iterable[Counters], *, most: int = MOST_OF_A_PART) -> Counters:
    """Add up counters, and keep the first ``most`` of the sum in the order of group and name.

    The memory does not grow with the parts. A kept counter is exact: the last kept name only moves towards the first,
    so a counter that was dropped does not come back.
    """
    total: dict[str, dict[str, int]] = {}
    for part in parts:
        _add(total, part)
        if sum(map(len, total.values())) > most:
            names = sorted((group, name) for group, names in total.items() for name in names)
            total = _before(total, names[most])
    return total


def _add(total: dict[str, dict[str, int]], part: Counters) -> None:
    for group, names in part.items():
        of_group = total.setdefault(group, {})
        for name, amount in names.items():
            of_group[name] = (of_group.get(name, 0) + amount + _SIGN) % (2 * _SIGN) - _SIGN


def negative(counters: Counters) -> Counters:
    """Return the counters whose addition removes ``counters`` from a sum."""
    return {group: {name: -amount for name, amount in names.items()} for group, names in counters.items()}


def summed_within(parts: Iterable[Kept], *, most_bytes: int = MOST_BYTES, most: int = MOST_COUNTERS) -> Kept:
    """Add up counters. Keep the counters that are within the bounds and that no part has dropped.

    ``most_bytes`` limits the bytes of their JSON, ``most`` their number.
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


def _before(counters: Counters, first: CounterName) -> dict[str, dict[str, int]]:
    kept = {
        group: {name: amount for name, amount in names.items() if (group, name) < first}
        for group, names in counters.items()
    }
    return {group: names for group, names in kept.items() if names}


def _json_bytes(name: str) -> int:
    return len(json.dumps(name)) + _BYTES_BESIDE_A_NAME
