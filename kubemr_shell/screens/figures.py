"""Formats numbers and foreign texts for people: bytes, seconds, counts, single lines. Pure."""

from __future__ import annotations


def bytes_text(count: float) -> str:
    """Return a number of bytes as text, such as ``1.5 MB``: in decimal units, with at most three digits."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.95 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError(count)


def seconds_text(seconds: float) -> str:
    """Return a duration as text, such as ``0.4 s``, ``12 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def tasks_rate_text(rate: float) -> str:
    """Return a rate in tasks a second as text, such as ``120 tasks/s``, ``2.5 tasks/s`` or ``1.5 tasks/min``."""
    if rate < 0.1:
        return f"{rate * 60:.1f} tasks/min"
    return f"{rate:.1f} tasks/s" if rate < 10 else f"{rate:,.0f} tasks/s"


def count_text(count: int) -> str:
    """Return a count with commas between thousands, such as ``21,700,000``."""
    return f"{count:,}"


def one_line(text: str, most: int) -> str:
    """Return at most ``most`` characters of a text, with unprintable ones escaped, so that it stays on one line."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text[:most])[:most]
