"""The checksum in small files of a job, which are lines of JSON. It reveals the damage of a power cut.

A lost block of a file reads as zeros. Then newlines are missing, and later lines would be read for wrong tasks.
"""

from __future__ import annotations

import re
import zlib

from kubemr_shell.errors import CorruptRun

_LAST_LINE = b'\n{"crc32":"%08x"}\n'
_LAST_LINE_BYTES = len(_LAST_LINE % 0)
_CHECKSUM = re.compile(rb'\n\{"crc32":"[0-9a-f]{8}"\}\n')


def with_checksum(data: bytes) -> bytes:
    """Return the data with its checksum as the last line."""
    return data + _LAST_LINE % zlib.crc32(data)


def checked(stored: bytes, source: str) -> bytes:
    """Return the data without its checksum. Raise CorruptRun, which names ``source``, if the checksum is wrong."""
    data, last = stored[:-_LAST_LINE_BYTES], stored[-_LAST_LINE_BYTES:]
    if stored == with_checksum(data):
        return data
    if _CHECKSUM.fullmatch(last):
        raise CorruptRun(source, 0, "it is damaged: its checksum is that of other bytes")
    raise CorruptRun(source, 0, "it is damaged, or an older version of kubemr-shell wrote it: its checksum is missing")
