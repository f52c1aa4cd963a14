"""Gives commands the default actions of all signals, also of signals that this process ignores (SPEC 4.8).

A new program inherits the ignored and blocked signals of its parent, but not its handlers (POSIX, exec). So a signal
that this process ignores, but commands must not, gets a handler that does nothing.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

from kubemr_shell.signals import do_nothing

_RESET_BY_SUBPROCESS = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
"""Signals that Python itself ignores. ``subprocess`` restores their default actions in a new program."""
_OF_A_TERMINAL = frozenset({signal.SIGTTIN, signal.SIGTTOU})
"""Signals by which a terminal stops a process in the background."""


def keep_exit_statuses() -> None:
    """Unblock all signals, and make the system keep the exit status of each child. Call this in the main thread.

    If SIGCHLD is ignored, the system drops the exit statuses, and every child seems to have succeeded.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def ignore_only_here() -> None:
    """Prevent commands from inheriting ignored or blocked signals. Call this in the main thread, before any command."""
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set handlers, and it has already done this
    keep_exit_statuses()
    for number in signal.valid_signals() - _RESET_BY_SUBPROCESS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            continue
        with suppress(OSError, ValueError):  # the system does not allow a handler for some signals
            if number not in _OF_A_TERMINAL:
                signal.signal(number, do_nothing)
            elif not _has_terminal():
                signal.signal(number, signal.SIG_DFL)


def _has_terminal() -> bool:
    """Return whether this process has a terminal, which can stop it.

    With a handler for SIGTTOU, a write to the terminal from the background would be repeated for ever.
    """
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY))
        return True
    return False
