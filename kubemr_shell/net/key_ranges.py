"""Where more keys may stand, when a page of them is known.

Pure, and only a guess: a wrong one costs a request. Keys are compared as S3 does it, by the bytes of their UTF-8, which
is the order of Python's strings.
"""

from __future__ import annotations

import math

PAGES_APART = 4
"""Each place costs a page that two read in part."""
DIGITS = "0123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def places_after(first: str, last: str, *, prefix: str, until: str | None) -> list[str]:
    """Places between the last key of a page and ``until``, in order, some pages apart if keys are as dense as in it.

    They are the beginning of the last key counted on: after ``part-00000`` to ``part-00099`` it is ``part-004``,
    ``part-008``, ``part-01``, ``part-02``…
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
    """How many characters both begin with."""
    pairs = zip(first, last, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(first), len(last)))


def _following(key: str, position: int, *, is_constant: bool) -> str:
    """What may stand there in later keys. Words are not counted on, but for the first letter of a folder's name."""
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
    """How many others may stand in its place."""
    if character.isdigit():
        return len(DIGITS)
    return len(LETTERS) if character.isalpha() else 1


def _word(key: str, position: int) -> str:
    """The letters and digits around a place."""
    before, after = key[:position], key[position:]
    start = next((index for index in range(position, 0, -1) if not before[index - 1].isalnum()), 0)
    stop = next((index for index, character in enumerate(after) if not character.isalnum()), len(after))
    return before[start:] + after[:stop]
