"""Signals that this process inherited as ignored or blocked: commands get them with their default actions (SPEC 4.8).

A new program inherits what its parent ignores and blocks, but not what its parent handles. So a signal that is to be
ignored here, and not in commands, gets a handler that does nothing.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType

_RESET_BY_SUBPROCESS = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
"""Python ignores these itself, and lets no program inherit it."""
_OF_A_TERMINAL = frozenset({signal.SIGTTIN, signal.SIGTTOU})


def heed_children() -> None:
    """Unblock all signals, and have the system keep the exit status of each child. Call it in the main thread.

    With SIGCHLD ignored it drops them, and every child seems to have succeeded.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def ignore_here_alone() -> None:
    """Let no command inherit what this process ignores or blocks. Call it in the main thread, before commands start."""
    if threading.current_thread() is not threading.main_thread():
        return  # handlers belong to the main thread, which has been here before
    heed_children()
    for number in signal.valid_signals() - _RESET_BY_SUBPROCESS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            continue
        with suppress(OSError, ValueError):  # the system keeps some for itself
            if number not in _OF_A_TERMINAL:
                signal.signal(number, _ignore)
            elif not _has_terminal():
                signal.signal(number, signal.SIG_DFL)


def is_ignored(number: signal.Signals) -> bool:
    """Return whether whoever started this process wanted the signal to be ignored."""
    return signal.getsignal(number) in (signal.SIG_IGN, _ignore)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing."""


def _has_terminal() -> bool:
    """Return whether a terminal can stop this process. Behind a handler a write to it would be tried for ever."""
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY))
        return True
    return False
