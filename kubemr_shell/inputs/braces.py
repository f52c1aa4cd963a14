"""Braces in names of inputs, as shells and Hadoop know them: ``logs/{2026-01,2026-02}/*.gz``. Pure.

Each alternative has to lead to a file, so a misspelt month is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

MOST_EXPANSIONS = 10_000
"""The largest number of names that one pattern may stand for."""


class Expansion(NamedTuple):
    """A name without braces that a pattern stands for."""

    name: str
    alternatives: frozenset[int]
    """The offsets in the pattern at which the chosen alternatives begin."""


class TooManyNames(ValueError):
    """A pattern stands for more than MOST_EXPANSIONS names."""


def has_braces(pattern: str) -> bool:
    """Return whether a name contains braces with at least two alternatives."""
    return "{" in pattern and len(expanded(pattern)) > 1


def expanded(pattern: str) -> list[Expansion]:
    """Return the names that a pattern stands for, in the order of a shell. Raise TooManyNames."""
    found = [Expansion(name, chosen) for name, chosen in _sequence(pattern, 0, len(pattern))]
    return list(dict.fromkeys(found))


def missed(pattern: str, expansions: Iterable[Expansion], matched: Iterable[Expansion]) -> str:
    """Return the first alternative of a pattern that no matched expansion has, or an empty string if there is none."""
    chosen = frozenset[int]().union(*(one.alternatives for one in matched))
    left = frozenset[int]().union(*(one.alternatives for one in expansions)) - chosen
    return f"{alternative_at(pattern, min(left))!r}" if left else ""


def alternative_at(pattern: str, offset: int) -> str:
    """Return the alternative that begins at an offset of a pattern."""
    end = next((end for end, _ in _ends(pattern, offset)), offset)
    return pattern[offset:end]


def _sequence(pattern: str, start: int, stop: int) -> list[tuple[str, frozenset[int]]]:
    """Expand a part of a pattern."""
    factors: list[list[tuple[str, frozenset[int]]]] = []
    size = 1
    position = literal = start
    while position < stop:
        alternatives = _alternatives(pattern, position, stop) if pattern[position] == "{" else []
        if len(alternatives) < 2:
            position += 1
            continue
        factors.append([(pattern[literal:position], frozenset())])
        choices = [
            (name, chosen | {begin}) for begin, end in alternatives for name, chosen in _sequence(pattern, begin, end)
        ]
        size *= len(choices)
        if size > MOST_EXPANSIONS:
            raise TooManyNames(f"stands for more than {MOST_EXPANSIONS:,} names: use wildcards, or a list (inputsFrom)")
        factors.append(choices)
        position = literal = alternatives[-1][1] + 1
    factors.append([(pattern[literal:stop], frozenset())])
    return [
        ("".join(name for name, _ in one), frozenset().union(*(chosen for _, chosen in one)))
        for one in product(*factors)
    ]


def _alternatives(pattern: str, brace: int, stop: int) -> list[tuple[int, int]]:
    """Return the ranges of the alternatives of a brace, or nothing if the brace is not closed."""
    begin, found = brace + 1, []
    for end, is_last in _ends(pattern, begin):
        if end >= stop:
            return []
        found.append((begin, end))
        begin = end + 1
        if is_last:
            return found
    return []


def _ends(pattern: str, start: int) -> Iterator[tuple[int, bool]]:
    """Yield the offsets of the commas after ``start`` on this level, and of the closing brace, which is the last."""
    depth = 0
    for offset in range(start, len(pattern)):
        sign = pattern[offset]
        if sign == "{":
            depth += 1
        elif sign == "}" and depth:
            depth -= 1
        elif sign == "}":
            yield offset, True
            return
        elif sign == "," and not depth:
            yield offset, False
