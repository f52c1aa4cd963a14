"""Reads the seek table at the end of a zstd file (the zstd seekable format, version 0.1.0)."""

from __future__ import annotations

import struct

from kubemr_shell.inputs.blocks.window import Read

_FOOTER_BYTES = 9
_FOOTER_MAGIC = 0x8F92EAB1
_FRAME_MAGIC = 0x184D2A5E
_TAIL_BYTES = 64 << 10
"""The bytes at the end of the file that are read first: most seek tables fit into them."""
_MOST_FRAMES = 0x8000000


def frame_starts(read: Read, size: int) -> list[int] | None:
    """Return the offsets of all frames of a file, or None if the file has no seek table that fits its size."""
    start = max(0, size - _TAIL_BYTES)
    tail = b"".join(read(start, size))
    if len(tail) < _FOOTER_BYTES + 8:
        return None
    frames, descriptor, magic = struct.unpack("<IBI", tail[-_FOOTER_BYTES:])
    entry_bytes = 12 if descriptor & 0x80 else 8
    table_bytes = 8 + frames * entry_bytes + _FOOTER_BYTES
    if magic != _FOOTER_MAGIC or descriptor & 0x7C or frames > _MOST_FRAMES or table_bytes > size:
        return None
    if table_bytes > len(tail):
        tail = b"".join(read(size - table_bytes, size))
    table = tail[-table_bytes:]
    if struct.unpack_from("<II", table) != (_FRAME_MAGIC, table_bytes - 8):
        return None
    starts = []
    position = 0
    for entry in range(8, table_bytes - _FOOTER_BYTES, entry_bytes):
        starts.append(position)
        position += struct.unpack_from("<I", table, entry)[0]
    return starts if position == size - table_bytes else None
