"""Processes that a command left behind and that still hold the pipe it wrote to.

They are in sessions of their own, so killing the command's group does not reach them, and as long as one of them
lives the pipe has no end. A process counts only if it is younger than the command: an older one was handed the pipe
on purpose (a terminal multiplexer is), and is not ours to kill.
"""

from __future__ import annotations

import os
import signal
import stat
from contextlib import suppress

from kubemr_shell.command import processes


def kill_writers(pipe: int, since_ticks: int) -> None:
    """Kill every process that was started since then and can write to ``pipe``, our reading end of it."""
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
