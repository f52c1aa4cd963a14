"""Reads facts about processes from /proc. Most functions raise OSError if the process is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

_GROUP_FIELD = 4
_STARTED_FIELD = 21
_NEWEST = "/proc/sys/kernel/ns_last_pid"
OUR_COMMANDS: set[int] = set()
"""The ids of the commands that this process has started and that still run. Each runs in a folder of its own."""


def all_processes() -> Iterator[int]:
    """Return the ids of all processes that exist now."""
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def group_of(process_id: int) -> int:
    """Return the process group id of a process."""
    return int(_fields(process_id)[_GROUP_FIELD])


def started_at(process_id: int) -> int:
    """Return the start time of a process in clock ticks since boot. Start time and id together are unique."""
    return int(_fields(process_id)[_STARTED_FIELD])


def ticks_since_boot() -> int:
    """Return the time now in the unit of ``started_at``."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def newest() -> int | None:
    """Return the newest id of a process or thread in our PID namespace.

    Return None if the system does not tell (/proc/sys/kernel/ns_last_pid).
    """
    try:
        descriptor = os.open(_NEWEST, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 32))
    finally:
        os.close(descriptor)


def may_be_in(process_id: int, folder: os.stat_result) -> bool:
    """Return whether a process may use a folder: as its current folder or as an open file.

    If the process may not be inspected, return True. If the process is gone, return False.
    """
    place = (folder.st_dev, folder.st_ino)
    try:
        here = os.stat(f"/proc/{process_id}/cwd")
        return (here.st_dev, here.st_ino) == place or any(
            _place(f"/proc/{process_id}/fd/{name}") == place for name in os.listdir(f"/proc/{process_id}/fd")
        )
    except PermissionError:
        return True
    except OSError:
        return False


def _place(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def environment_of(process_id: int) -> list[bytes]:
    """Return the variables with which a process was started, as NAME=VALUE."""
    with open(f"/proc/{process_id}/environ", "rb") as file:
        return file.read().split(b"\0")


def _fields(process_id: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat. The second, the program's name, is left empty: it may contain blanks."""
    with open(f"/proc/{process_id}/stat", "rb") as file:
        before, _, after = file.read().rpartition(b")")
    return [before.split(b" ", 1)[0], b"", *after.split()]
