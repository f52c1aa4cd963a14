"""Starts commands with the niceness of the spec's field ``nice``.

Linux keeps a niceness for each thread, and a new process inherits the niceness of the thread that starts the process
(sched(7)). A thread without privileges can raise its niceness, but cannot lower it again. So a command with a higher
niceness is started by a thread of its own, which ends after the start.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from kubemr_shell.waits.threads import Promise

Result = TypeVar("Result")
"""The result of a function that starts a process."""


def with_niceness(niceness: int | None, start: Callable[[], Result]) -> Result:
    """Call ``start``, so that processes that it starts have at least this niceness. Return its result.

    None and a niceness that is not above the one of the calling thread change nothing. Raise the error of ``start``, or
    OSError (EAGAIN) if the system has no room for a thread.
    """
    if niceness is None or niceness <= os.getpriority(os.PRIO_PROCESS, 0):
        return start()

    def work() -> Result:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)  # 0 is the calling thread
        return start()

    promise = Promise[Result]()
    try:
        threading.Thread(target=promise.keep, args=(work,), name="niceness", daemon=True).start()
    except RuntimeError as error:  # Python's error of a thread that cannot be started
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
    return promise.result()
