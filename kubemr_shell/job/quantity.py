"""Quantities of bytes as Kubernetes writes them: ``64Mi``, ``1.5Gi``, ``100k``, ``1e9``."""

from __future__ import annotations

import re

PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,9})?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]{1,2})?$"

_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60}
_UNITS = _DECIMAL | _BINARY


def parse_quantity(text: str) -> int:
    """The number of bytes, rounded up as Kubernetes does; ValueError says what would be right."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"must be a number of bytes such as 64Mi, 1Gi or 500M{_suggestion(text)}")
    number = text.rstrip("kMGTPEi")
    unit = text[len(number) :]
    mantissa, _, exponent = number.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.partition(".")
    scaled: int = int(whole + fraction) * 10 ** int(exponent or 0) * _UNITS[unit]
    divisor: int = 10 ** len(fraction)
    return -(-scaled // divisor)


def format_quantity(count: int) -> str:
    """The shortest quantity that is exactly as many bytes, binary units first: 67108864 is ``64Mi``."""
    for units in (_BINARY, _DECIMAL):
        for unit, size in reversed(units.items()):
            if count and unit and count % size == 0:
                return f"{count // size}{unit}"
    return str(count)


def _suggestion(text: str) -> str:
    """``64 MB``, ``64mb`` and ``64MiB`` are what people write first."""
    found = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([kmgtpe]?)(i?)b?\s*", text, re.IGNORECASE | re.ASCII)
    if not found:
        return ""
    number, letter, binary = found.groups()
    letter = letter.upper()
    unit = letter + "i" if letter and binary else letter.replace("K", "k")
    return f": write {number}{unit}"
