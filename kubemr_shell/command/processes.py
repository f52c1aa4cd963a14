"""What /proc tells about processes. Everything here raises OSError when a process is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

_GROUP_FIELD = 4
_STARTED_FIELD = 21
_NEWEST = "/proc/sys/kernel/ns_last_pid"


def all_processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def group_of(process_id: int) -> int:
    return int(_fields(process_id)[_GROUP_FIELD])


def started_at(process_id: int) -> int:
    """When a process was started, in ticks since boot: with its id, a name that is never given twice."""
    return int(_fields(process_id)[_STARTED_FIELD])


def ticks_since_boot() -> int:
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def newest() -> int | None:
    """Return the id that was given last in our PID namespace, to a process or a thread; None where nobody says it."""
    try:
        descriptor = os.open(_NEWEST, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 32))
    finally:
        os.close(descriptor)


def may_be_in(process_id: int, folder: os.stat_result) -> bool:
    """Return whether a process works in a folder or has it open, or cannot be looked at. One that is gone does not."""
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
    """The variables that a process was started with, as NAME=VALUE."""
    with open(f"/proc/{process_id}/environ", "rb") as file:
        return file.read().split(b"\0")


def _fields(process_id: int) -> list[bytes]:
    """The fields of /proc/PID/stat. The second is the program's name, which may hold blanks: it is left out."""
    with open(f"/proc/{process_id}/stat", "rb") as file:
        before, _, after = file.read().rpartition(b")")
    return [before.split(b" ", 1)[0], b"", *after.split()]
