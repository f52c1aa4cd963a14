"""Finds blocks of BGZF: a gzip file whose members are small and state their size (SAM specification, section 4.1)."""

from __future__ import annotations

import struct
import zlib

from kubemr_shell.inputs.blocks.window import Window

LARGEST_BLOCK = 64 << 10
"""The largest size of a block in bytes."""
_MAGIC = b"\x1f\x8b\x08\x04"
_FIXED_BYTES = 12
"""The bytes of a gzip header up to and with the length of its extra field."""


def block_size(data: bytes | bytearray, at: int = 0) -> int | None:
    """Return the size in bytes of the block that begins at an offset, or None if no header of a block is there."""
    if data[at : at + 4] != _MAGIC or len(data) < at + _FIXED_BYTES:
        return None
    field = at + _FIXED_BYTES
    end = field + struct.unpack_from("<H", data, at + 10)[0]
    if end > len(data):
        return None
    while field + 6 <= end:
        (length,) = struct.unpack_from("<H", data, field + 2)
        if data[field : field + 2] == b"BC" and length == 2:
            size: int = struct.unpack_from("<H", data, field + 4)[0] + 1
            return size if size >= end - at + 8 else None
        field += 4 + length
    return None


def begins_with_block(window: Window) -> bool:
    """Return whether a window begins with a block, which most gzip files do not."""
    window.has(LARGEST_BLOCK)
    return block_size(window.data) is not None


def find_block(window: Window) -> int | None:
    """Return the offset in the window of the first block that begins in its first LARGEST_BLOCK bytes, or None.

    A block may hold bytes that look like blocks, but only until its own end. So the blocks that follow one another
    from the found place on must be longer than one block, or reach the end of the file. Each of them is decompressed.
    """
    at = -1
    window.has(4 * LARGEST_BLOCK)
    while 0 <= (at := window.data.find(_MAGIC, at + 1)) < LARGEST_BLOCK:
        if _is_chain(window, at):
            return at
    return None


def _is_chain(window: Window, at: int) -> bool:
    end = at
    while end - at <= LARGEST_BLOCK:
        if not window.has(end + 1):
            return True
        window.has(end + LARGEST_BLOCK)
        size = block_size(window.data, end)
        if size is None or not _is_intact(bytes(window.data[end : end + size])):
            return False
        end += size
    return True


def _is_intact(block: bytes) -> bool:
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        stream.decompress(block)
    except zlib.error:
        return False
    return stream.eof and not stream.unused_data
