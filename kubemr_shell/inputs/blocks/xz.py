"""Finds the blocks of xz by the indexes of its streams, and decompresses some of them (the .xz file format 1.2.1)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple, Protocol

from kubemr_shell.inputs.blocks.window import Read
from kubemr_shell.inputs.compression import decompressed

_MAGIC = b"\xfd7zXZ\x00"
_FOOTER_MAGIC = b"YZ"
_HEADER_BYTES = 12
"""The bytes of the header and of the footer of a stream."""
_TAIL_BYTES = 64 << 10
"""The bytes at the end of the file that are read first: most indexes fit into them."""
_LONGEST_INDEX = 64 << 20


class Block(NamedTuple):
    """A block of a stream."""

    start: int
    """The offset of the block in the file."""
    unpadded: int
    """The size of the block without its padding to a multiple of 4 bytes."""
    uncompressed: int
    flags: bytes
    """The two bytes of the stream that say which check its blocks have."""
    stream: int
    """The offset of the stream in the file."""

    @property
    def end(self) -> int:
        """Return the offset of the end of the block with its padding."""
        return self.start + _padded(self.unpadded)


class _Malformed(Exception):
    """The end of the file is not that of an intact xz file."""


class _ReadRange(Protocol):
    """The type of the function that returns the bytes of a range of the file."""

    def __call__(self, start: int, end: int) -> bytes: ...


def blocks_of(read: Read, size: int) -> list[Block] | None:
    """Return all blocks of a file in their order, or None if its indexes do not describe the whole file."""
    tail_start = max(0, size - _TAIL_BYTES)
    tail = b"".join(read(tail_start, size))

    def read_range(start: int, end: int) -> bytes:
        if start < 0:
            raise _Malformed
        return tail[start - tail_start : end - tail_start] if start >= tail_start else b"".join(read(start, end))

    streams: list[list[Block]] = []
    end = size
    try:
        while end > 0:
            end, blocks = _last_stream(read_range, end)
            streams.append(blocks)
    except _Malformed:
        return None
    return list(chain.from_iterable(reversed(streams)))


def read_blocks(read: Read, blocks: list[Block], start: int, end: int, name: str) -> Iterator[bytes]:
    """Yield the content of the blocks that begin in a range of the file. Raise CorruptInput if they are damaged.

    A stream is made around the blocks of each stream of the file, because no decoder begins in the middle of one.
    """
    wanted = [block for block in blocks if start <= block.start < end]
    first = 0
    while first < len(wanted):
        last = first
        while last < len(wanted) and wanted[last].stream == wanted[first].stream:
            last += 1
        yield from _decoded(read, wanted[first:last], name)
        first = last


def _decoded(read: Read, blocks: list[Block], name: str) -> Iterator[bytes]:
    flags = blocks[0].flags
    header = _MAGIC + flags + struct.pack("<I", zlib.crc32(flags))
    index = b"\0" + _number(len(blocks))
    index += b"".join(_number(block.unpadded) + _number(block.uncompressed) for block in blocks)
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    fields = struct.pack("<I", len(index) // 4 - 1) + flags
    footer = struct.pack("<I", zlib.crc32(fields)) + fields + _FOOTER_MAGIC
    content = read(blocks[0].start, blocks[-1].end)
    parts = chain([header], content, [index + footer])
    yield from decompressed(parts, "xz", name, blocks[0].start, advice="get a correct copy of the file")


def _last_stream(read_range: _ReadRange, end: int) -> tuple[int, list[Block]]:
    """Return the offset and the blocks of the stream that ends at an offset, before padding. Raise _Malformed."""
    padded_end, end = end, _without_padding(read_range, end)
    if (padded_end - end) % 4:
        raise _Malformed
    footer = read_range(end - _HEADER_BYTES, end)
    crc, backward = struct.unpack_from("<II", footer)
    flags = footer[8:10]
    if footer[10:] != _FOOTER_MAGIC or zlib.crc32(footer[4:10]) != crc:
        raise _Malformed
    index_bytes = (backward + 1) * 4
    if index_bytes > _LONGEST_INDEX:
        raise _Malformed
    index_start = end - _HEADER_BYTES - index_bytes
    index = read_range(index_start, end - _HEADER_BYTES)
    if index[0] or zlib.crc32(index[:-4]) != struct.unpack("<I", index[-4:])[0]:
        raise _Malformed
    numbers = _numbers(index[1:-4])
    count = next(numbers)
    pairs = [(next(numbers), next(numbers)) for _ in range(count)]
    stream = index_start - sum(_padded(unpadded) for unpadded, _ in pairs) - _HEADER_BYTES
    if stream < 0:
        raise _Malformed
    blocks = []
    position = stream + _HEADER_BYTES
    for unpadded, uncompressed in pairs:
        blocks.append(Block(position, unpadded, uncompressed, flags, stream))
        position += _padded(unpadded)
    return stream, blocks


def _without_padding(read_range: _ReadRange, end: int) -> int:
    while end > 0:
        start = max(0, end - 4096)
        data = read_range(start, end)
        kept = len(data.rstrip(b"\0"))
        if kept:
            return start + kept
        end = start
    raise _Malformed


def _numbers(data: bytes) -> Iterator[int]:
    """Yield the integers of variable length in an index. Raise _Malformed after the last one."""
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0
    raise _Malformed


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _padded(size: int) -> int:
    return size + -size % 4
