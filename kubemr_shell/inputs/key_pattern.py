"""Patterns of keys under ``s3://``, with the same rules as patterns of local names. Pure."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

HIDDEN = ("_", ".")
"""The characters with which hidden names begin."""
WILDCARDS = re.compile(r"[*?[]")
"""The characters that make a name a pattern."""


def has_wildcards(key: str) -> bool:
    """Return whether a key contains wildcards."""
    return bool(WILDCARDS.search(key))


def is_visible(below: str) -> bool:
    """Return whether no name in the path ``below`` begins with ``_`` or ``.``.

    ``below`` is the path after the name that the user gave. The user's own names may begin with these characters.
    """
    return not below.startswith(HIDDEN) and "/_" not in below and "/." not in below


class KeyPattern:
    """A glob over keys. ``**`` matches any number of folders. A folder that matches stands for all keys below it."""

    def __init__(self, pattern: str) -> None:
        match = WILDCARDS.search(pattern)
        self.prefix = pattern[: match.start()] if match else pattern
        """The beginning of all keys that match."""
        self._parts = _without_repetition(pattern.split("/"))

    def matches(self, key: str) -> bool:
        """Return whether the pattern matches a key."""
        return _fits(self._parts, key.split("/"))


def _without_repetition(parts: list[str]) -> list[str]:
    return [part for index, part in enumerate(parts) if part != "**" or parts[index - 1 : index] != ["**"]]


def _fits(parts: list[str], names: list[str]) -> bool:
    if not parts:
        return is_visible("/".join(names))
    part, rest = parts[0], parts[1:]
    if part == "**":
        for count in range(len(names)):
            if _fits(rest, names[count:]):
                return True
            if names[count].startswith(HIDDEN):
                return False
        return False
    if not names:
        return False
    if not part and not rest:  # the pattern ends with a slash, such as ``folder*/``
        return is_visible("/".join(names))
    return _is_like(part, names[0]) and _fits(rest, names[1:])


def _is_like(part: str, name: str) -> bool:
    if not has_wildcards(part):
        return part == name
    return (part[0] in HIDDEN or not name.startswith(HIDDEN)) and _compiled(part).match(name) is not None


@lru_cache(256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))
