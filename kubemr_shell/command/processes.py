"""What /proc tells about processes. Everything here raises OSError when a process is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

_GROUP_FIELD = 4
_STARTED_FIELD = 21


def all_processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def group_of(process_id: int) -> int:
    return int(_fields(process_id)[_GROUP_FIELD])


def started_at(process_id: int) -> int:
    """When a process was started, in ticks since boot: with its id, a name that is never given twice."""
    return int(_fields(process_id)[_STARTED_FIELD])


def ticks_since_boot() -> int:
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def environment_of(process_id: int) -> list[bytes]:
    """The variables that a process was started with, as NAME=VALUE."""
    with open(f"/proc/{process_id}/environ", "rb") as file:
        return file.read().split(b"\0")


def _fields(process_id: int) -> list[bytes]:
    """The fields of /proc/PID/stat. The second is the program's name, which may hold blanks: it is left out."""
    with open(f"/proc/{process_id}/stat", "rb") as file:
        before, _, after = file.read().rpartition(b")")
    return [before.split(b" ", 1)[0], b"", *after.split()]
