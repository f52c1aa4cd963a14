"""Finds the process that sent a request to a proxy on this machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tests.support.runs import Place
from tests.support.s3_requests import Request
from tests.support.waiting import until


def sender(request: Request, place: Place) -> int:
    """The process of the scenario that waits for the answer."""
    proxy = int(request.headers["host"].rpartition(":")[2])
    inode = until(lambda: _inode(request.port, proxy), "the socket")  # a list that changes while it is read
    holders = [found.pid for found in place.processes() if _holds(found.pid, f"socket:[{inode}]")]
    return min(holders)  # a child that is being made has all that its parent has


def _inode(port: int, to: int) -> str:
    """Return the inode of the loopback socket with these ports, or an empty string."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == [f"0100007F:{port:04X}", f"0100007F:{to:04X}"] and fields[9] != "0":
            return fields[9]
    return ""


def _holds(pid: int, file: str) -> bool:
    with suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{descriptor}") == file:
                    return True
    return False
