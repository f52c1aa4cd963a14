"""Which keys a name under ``s3://`` stands for, by the rules that local names have. Pure."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

HIDDEN = ("_", ".")
WILDCARDS = re.compile(r"[*?[]")


def has_wildcards(key: str) -> bool:
    return bool(WILDCARDS.search(key))


def is_visible(below: str) -> bool:
    """Whether no name on a path begins with ``_`` or ``.``; the path is what follows a name that somebody gave."""
    return not below.startswith(HIDDEN) and "/_" not in below and "/." not in below


class KeyPattern:
    """A glob over keys. ``**`` stands for any number of folders; a folder that matches stands for all below it."""

    def __init__(self, pattern: str) -> None:
        match = WILDCARDS.search(pattern)
        self.prefix = pattern[: match.start()] if match else pattern
        """What each key that matches begins with."""
        self._parts = _without_repetition(pattern.split("/"))

    def matches(self, key: str) -> bool:
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
    if not part and not rest:  # the end of ``folder*/``
        return is_visible("/".join(names))
    return _is_like(part, names[0]) and _fits(rest, names[1:])


def _is_like(part: str, name: str) -> bool:
    if not has_wildcards(part):
        return part == name
    return (part[0] in HIDDEN or not name.startswith(HIDDEN)) and _compiled(part).match(name) is not None


@lru_cache(256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))
