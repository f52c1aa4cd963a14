"""Counters as commands count: amounts by name, in groups (protocol/SPEC.md, section 10). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Counters = Mapping[str, Mapping[str, int]]
"""Group, name, amount."""


def summed_counters(parts: Iterable[Counters]) -> dict[str, dict[str, int]]:
    """The amounts of all parts, added up name by name."""
    total: dict[str, dict[str, int]] = {}
    for part in parts:
        for group, names in part.items():
            of_group = total.setdefault(group, {})
            for name, amount in names.items():
                of_group[name] = of_group.get(name, 0) + amount
    return total


def negative(counters: Counters) -> Counters:
    """What takes them off a sum again."""
    return {group: {name: -amount for name, amount in names.items()} for group, names in counters.items()}
