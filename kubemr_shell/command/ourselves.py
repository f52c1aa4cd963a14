"""Tells whether this program runs by Python, or frozen by PyInstaller as a folder that needs no Python."""

from __future__ import annotations

import sys


def is_frozen() -> bool:
    """Return whether PyInstaller has frozen this program."""
    return bool(getattr(sys, "frozen", False))


def command_line() -> tuple[str, ...]:
    """Return the words that start this program again, without its arguments."""
    return (sys.executable,) if is_frozen() else (sys.executable, "-m", "kubemr_shell")
