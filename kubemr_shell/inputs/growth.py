"""Tells a local file that has grown since the plan from a file that was replaced, shortened or written anew.

A plan keeps the version of each local file: its size and time, its inode, and a checksum of its first and last bytes. A
live log that has grown keeps its inode and these bytes, so a job can read the bytes that the plan has seen.
"""

from __future__ import annotations

import os
import zlib

from kubemr_shell.inputs.file_kind import HEAD_BYTES
from kubemr_shell.storage.local import fingerprint

END_BYTES = HEAD_BYTES
"""The number of bytes at the start, and at the end, that the checksum covers. The planner reads the first."""


def version_of(status: os.stat_result) -> str:
    """Return the first part of the version of a file: its size and time, and its inode."""
    return f"{fingerprint(status)} {status.st_ino:x}"


def with_ends(version: str, ends: bytes) -> str:
    """Return the whole version of a file. ``ends`` comes from ``ends_of``."""
    return f"{version} {zlib.crc32(ends):08x}"


def ends_of(source: int, size: int) -> bytes:
    """Return the first and last END_BYTES of the first ``size`` bytes of a file, or all of them if they are fewer."""
    head = os.pread(source, min(END_BYTES, size), 0)
    if size <= END_BYTES:
        return head
    start = max(END_BYTES, size - END_BYTES)
    return head + os.pread(source, size - start, start)


def size_and_time(version: str) -> str:
    """Return the size and the time in a version, which change with each write to the file."""
    return version.partition(" ")[0]


def has_grown(version: str, size: int, source: int) -> bool:
    """Return whether an open file of this version, which had ``size`` bytes, has since got more bytes at its end only.

    Raise OSError if the file cannot be read.
    """
    status = os.fstat(source)
    planned = version.split(" ")
    if len(planned) < len(("size and time", "inode", "checksum")) or status.st_size <= size:
        return False
    return planned[1:] == with_ends(version_of(status), ends_of(source, size)).split(" ")[1:]
