"""The checksum in small files of a job, which are lines of JSON. It reveals the damage of a power cut.

A lost block of a file reads as zeros. Then newlines are missing, and later lines would be read for wrong tasks.
"""

from __future__ import annotations

import zlib

from kubemr_shell.errors import CorruptRun

_LAST_LINE = b'\n{"crc32":"%08x"}\n'
_LAST_LINE_BYTES = len(_LAST_LINE % 0)


def with_checksum(data: bytes) -> bytes:
    """Return the data with its checksum as the last line."""
    return data + _LAST_LINE % zlib.crc32(data)


def checked(stored: bytes, source: str) -> bytes:
    """Return the data without its checksum. Raise CorruptRun, which names ``source``, if the checksum is wrong."""
    data = stored[:-_LAST_LINE_BYTES]
    if stored != with_checksum(data):
        raise CorruptRun(source, 0, "it is damaged: its checksum is missing, or is that of other bytes")
    return data
