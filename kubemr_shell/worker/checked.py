"""Small files of a job, JSON in lines, with a checksum in the last one: a power cut cannot damage one unnoticed.

A block that was lost reads as zeros. In a file of lines it would take newlines away, and later lines would stand for
other tasks.
"""

from __future__ import annotations

import zlib

from kubemr_shell.errors import CorruptRun

_LAST_LINE = b'\n{"crc32":"%08x"}\n'
_LAST_LINE_BYTES = len(_LAST_LINE % 0)


def with_checksum(data: bytes) -> bytes:
    """Return the bytes to store."""
    return data + _LAST_LINE % zlib.crc32(data)


def checked(stored: bytes, source: str) -> bytes:
    """Return the bytes that ``with_checksum`` was given; CorruptRun names ``source`` where they are others."""
    data = stored[:-_LAST_LINE_BYTES]
    if stored != with_checksum(data):
        raise CorruptRun(source, 0, "it is damaged: its checksum is missing, or is that of other bytes")
    return data
