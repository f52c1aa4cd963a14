"""Guesses of places among the keys of a bucket where more keys may be, based on one page of keys. Pure.

A wrong guess costs a request. Keys are compared as S3 compares them, by their UTF-8 bytes. Python's strings have the
same order.
"""

from __future__ import annotations

import math

PAGES_APART = 4
"""The estimated number of pages between two places. Each place costs one page that two threads both read in part."""
DIGITS = "0123456789"
"""The digits, in the order of keys."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""The small letters, in the order of keys."""


def places_after(first: str, last: str, *, prefix: str, until: str | None) -> list[str]:
    """Return places between the last key of a page and ``until``, in order.

    The places are ``PAGES_APART`` pages apart if the later keys are as dense as the keys of the page. A place is the
    beginning of the last key with one character increased: after a page from ``part-00000`` to ``part-00099``, the
    places are ``part-004``, ``part-008``, ``part-01``, ``part-02``…
    """
    common = common_length(first, last)
    if common == len(last):
        return []
    before = first[common : common + 1]
    pages = 1 / max(1, ord(last[common]) - ord(before or "0") + 1)
    places: list[str] = []
    for position in range(common, len(prefix) - 1, -1):
        following = _following(last, position, is_constant=position < common)
        step = max(1, math.ceil(PAGES_APART / pages))
        places += [last[:position] + character for character in following[step - 1 :: step]]
        pages *= _kinds(last[position])
    return [place for place in places if until is None or place < until]


def common_length(first: str, last: str) -> int:
    """Return the length of the longest common beginning of two strings, in characters."""
    pairs = zip(first, last, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(first), len(last)))


def _following(key: str, position: int, *, is_constant: bool) -> str:
    """Return the characters that later keys may have at a position.

    Letters of a constant word are not increased, except the first letter of the name of a folder.
    """
    character, word = key[position], _word(key, position)
    if word.isdigit():
        kind = DIGITS
    elif word.isalpha() and is_constant and not _starts_folder(key, position):
        kind = ""
    else:
        kind = DIGITS + (LETTERS if word.islower() else LETTERS.upper() + LETTERS)
    return kind.partition(character)[2]


def _starts_folder(key: str, position: int) -> bool:
    return key[position - 1 : position] in ("", "/") and "/" in key[position:]


def _kinds(character: str) -> int:
    """Return the number of different characters that keys may have in the place of a character."""
    if character.isdigit():
        return len(DIGITS)
    return len(LETTERS) if character.isalpha() else 1


def _word(key: str, position: int) -> str:
    """Return the run of letters and digits around a position of a key."""
    before, after = key[:position], key[position:]
    start = next((index for index in range(position, 0, -1) if not before[index - 1].isalnum()), 0)
    stop = next((index for index, character in enumerate(after) if not character.isalnum()), len(after))
    return before[start:] + after[:stop]
