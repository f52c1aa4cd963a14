"""Kills processes that a command left behind and that still hold the pipe of its output.

Such processes run in sessions of their own, so a signal to the process group of the command does not reach them. The
pipe has no end until the last of them has ended. Only processes that are younger than the command are killed. An older
process, such as a terminal multiplexer, got the pipe on purpose.
"""

from __future__ import annotations

import os
import signal
import stat
from contextlib import suppress

from kubemr_shell.command import processes


def kill_writers(pipe: int, since_ticks: int) -> None:
    """Kill every process that can write to ``pipe`` and was started at ``since_ticks`` or later.

    ``pipe`` is our descriptor of the reading end. ``since_ticks`` is in clock ticks since boot.
    """
    target = os.readlink(f"/proc/self/fd/{pipe}")
    for process_id in processes.all_processes():
        if process_id != os.getpid():
            with suppress(OSError):
                _kill_if_writer(process_id, target, since_ticks)


def _kill_if_writer(process_id: int, target: str, since_ticks: int) -> None:
    pidfd = os.pidfd_open(process_id)
    try:
        if processes.started_at(process_id) >= since_ticks and _can_write(process_id, target):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    finally:
        os.close(pidfd)


def _can_write(process_id: int, target: str) -> bool:
    folder = f"/proc/{process_id}/fd"
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        if os.readlink(path) == target and os.lstat(path).st_mode & stat.S_IWUSR:
            return True
    return False
