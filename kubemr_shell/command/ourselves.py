"""How this program was started: by Python, or frozen (PyInstaller) as a folder that needs no Python."""

from __future__ import annotations

import sys


def is_frozen() -> bool:
    return bool(getattr(sys, "frozen", False))


def command_line() -> tuple[str, ...]:
    """What starts this program again, before its arguments."""
    return (sys.executable,) if is_frozen() else (sys.executable, "-m", "kubemr_shell")
