"""Finds the blocks of xz by the indexes of its streams, and decompresses some of them (the .xz file format 1.2.1)."""

from __future__ import annotations

import struct
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from kubemr_shell.inputs.blocks.window import Read
from kubemr_shell.inputs.compression import decompressed

_MAGIC = b"\xfd7zXZ\x00"
_FOOTER_MAGIC = b"YZ"
_HEADER_BYTES = 12
"""The bytes of the header and of the footer of a stream."""
_TAIL_BYTES = 64 << 10
"""The bytes at the end of the file that are read first: most indexes fit into them."""
_LONGEST_INDEX = 2 << 20
"""The most bytes of all indexes together. A file with longer indexes, of several 100,000 blocks, stays whole."""


class Stream(NamedTuple):
    """The blocks of a stream. The three arrays have 24 bytes for each block."""

    flags: bytes
    """The two bytes of the stream that say which check its blocks have."""
    starts: array[int]
    """The offsets of the blocks in the file."""
    unpadded: array[int]
    """The sizes of the blocks without their padding to a multiple of 4 bytes."""
    uncompressed: array[int]
    """The sizes of the contents of the blocks."""


class _Malformed(Exception):
    """The end of the file is not that of an intact xz file."""


class _Tail:
    """The bytes of a file for a reader that goes from its end to its start."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._start = 0
        self._data = b""
        """The bytes from ``_start`` on that were read last."""

    def range(self, start: int, end: int) -> bytes:
        """Return the bytes of a range. Raise _Malformed if it begins before the file."""
        if start < 0:
            raise _Malformed
        if not self._start <= start <= end <= self._start + len(self._data):
            self._start = max(0, min(start, end - _TAIL_BYTES))
            self._data = b"".join(self._read(self._start, end))
        return self._data[start - self._start : end - self._start]


def streams_of(read: Read, size: int) -> list[Stream] | None:
    """Return the streams of a file in their order.

    Return None if the indexes do not describe the whole file, or if they are longer than _LONGEST_INDEX.
    """
    tail = _Tail(read)
    streams: list[Stream] = []
    end = size
    left = _LONGEST_INDEX
    try:
        while end > 0:
            end, index_bytes, stream = _last_stream(tail, end, left)
            left -= index_bytes
            streams.append(stream)
    except _Malformed:
        return None
    streams.reverse()
    return streams


def starts_of(streams: list[Stream]) -> array[int]:
    """Return the offsets of all blocks of a file."""
    starts = array("Q")
    for stream in streams:
        starts.extend(stream.starts)
    return starts


def read_blocks(read: Read, streams: list[Stream], start: int, end: int, name: str) -> Iterator[bytes]:
    """Yield the content of the blocks that begin in a range of the file. Raise CorruptInput if they are damaged.

    A stream is made around the blocks of each stream of the file, because no decoder begins in the middle of one.
    """
    for stream in streams:
        first, last = bisect_left(stream.starts, start), bisect_left(stream.starts, end)
        if first < last:
            yield from _decoded(read, stream, first, last, name)


def _decoded(read: Read, stream: Stream, first: int, last: int, name: str) -> Iterator[bytes]:
    """Yield the content of the blocks ``first`` up to, not including, ``last`` of a stream."""
    flags = stream.flags
    unpadded, uncompressed = stream.unpadded[first:last], stream.uncompressed[first:last]
    header = _MAGIC + flags + struct.pack("<I", zlib.crc32(flags))
    index = b"\0" + _number(last - first)
    index += b"".join(_number(size) + _number(length) for size, length in zip(unpadded, uncompressed, strict=True))
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    fields = struct.pack("<I", len(index) // 4 - 1) + flags
    footer = struct.pack("<I", zlib.crc32(fields)) + fields + _FOOTER_MAGIC
    start = stream.starts[first]
    content = read(start, stream.starts[last - 1] + _padded(unpadded[-1]))
    parts = chain([header], content, [index + footer])
    yield from decompressed(parts, "xz", name, start, advice="get a correct copy of the file")


def _last_stream(tail: _Tail, end: int, longest_index: int) -> tuple[int, int, Stream]:
    """Return the offset, the size of the index, and the blocks of the stream that ends at an offset, before padding.

    Raise _Malformed, also if the index is longer than ``longest_index`` bytes.
    """
    padded_end, end = end, _without_padding(tail, end)
    if (padded_end - end) % 4:
        raise _Malformed
    footer = tail.range(end - _HEADER_BYTES, end)
    crc, backward = struct.unpack_from("<II", footer)
    flags = footer[8:10]
    if footer[10:] != _FOOTER_MAGIC or zlib.crc32(footer[4:10]) != crc:
        raise _Malformed
    index_bytes = (backward + 1) * 4
    if index_bytes > longest_index:
        raise _Malformed
    index_start = end - _HEADER_BYTES - index_bytes
    index = tail.range(index_start, end - _HEADER_BYTES)
    if index[0] or zlib.crc32(index[:-4]) != struct.unpack("<I", index[-4:])[0]:
        raise _Malformed
    numbers = _numbers(index[1:-4])
    count = next(numbers)
    starts, unpadded, uncompressed = array("Q"), array("Q"), array("Q")
    content_bytes = 0
    for _ in range(count):
        starts.append(content_bytes)
        unpadded.append(next(numbers))
        uncompressed.append(next(numbers))
        content_bytes += _padded(unpadded[-1])
        if content_bytes > index_start:
            raise _Malformed
    stream = index_start - content_bytes - _HEADER_BYTES
    if stream < 0:
        raise _Malformed
    for number in range(count):
        starts[number] += stream + _HEADER_BYTES
    return stream, index_bytes, Stream(flags, starts, unpadded, uncompressed)


def _without_padding(tail: _Tail, end: int) -> int:
    while end > 0:
        start = max(0, end - 4096)
        data = tail.range(start, end)
        kept = len(data.rstrip(b"\0"))
        if kept:
            return start + kept
        end = start
    raise _Malformed


def _numbers(data: bytes) -> Iterator[int]:
    """Yield the integers of up to 9 bytes in an index. Raise _Malformed after the last one."""
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            raise _Malformed
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
