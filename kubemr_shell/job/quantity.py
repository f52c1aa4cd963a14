"""Quantities of bytes in the notation of Kubernetes: ``64Mi``, ``1.5Gi``, ``100k``, ``1024``."""

from __future__ import annotations

import re

PATTERN = r"^[0-9]{1,19}(\.[0-9]{1,9})?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
"""The regular expression of a quantity, for schemas."""
HIGHEST = (1 << 63) - 1
"""The largest number of bytes: Kubernetes counts in 64 bits."""

_BINARY = {"Ei": 1 << 60, "Pi": 1 << 50, "Ti": 1 << 40, "Gi": 1 << 30, "Mi": 1 << 20, "Ki": 1 << 10}
_DECIMAL = {"E": 10**18, "P": 10**15, "T": 10**12, "G": 10**9, "M": 10**6, "k": 10**3, "": 1}
_UNITS = _BINARY | _DECIMAL


def parse_quantity(text: str) -> int:
    """Return the number of bytes, rounded up as in Kubernetes. Raise ValueError with the right notation."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"must be a number of bytes such as 64Mi, 1Gi or 500M{_suggestion(text)}")
    number = text.rstrip("kKMGTPEi")
    whole, _, fraction = number.partition(".")
    divisor: int = 10 ** len(fraction)
    count = -(-int(whole + fraction) * _UNITS[text[len(number) :]] // divisor)
    if count > HIGHEST:
        raise ValueError(f"must be less than 8Ei (2^63 bytes), not {text}")
    return count


def format_quantity(count: int) -> str:
    """Return a number of bytes with the largest unit that divides it, binary units first: 67108864 is ``64Mi``."""
    unit = next(unit for unit, size in _UNITS.items() if (count >= size and count % size == 0) or not unit)
    return f"{count // _UNITS[unit]}{unit}"


def _suggestion(text: str) -> str:
    """Return the end of the message, with the right notation of a common mistake such as ``64 MB`` or ``64mb``."""
    found = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([kmgtpe]?)(i?)b?\s*", text, re.IGNORECASE | re.ASCII)
    if not found:
        return f", not {text[:60]!r}"
    number, letter, binary = found.groups()
    letter = letter.upper()
    unit = letter + "i" if letter and binary else letter.replace("K", "k")
    return f", not {text!r}: write {number}{unit}"
