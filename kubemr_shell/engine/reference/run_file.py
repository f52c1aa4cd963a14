"""Reads and writes run files (``docs/run-file.md``).

A run file has the sorted entries of each partition in blocks with checksums, an index, and a footer.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kubemr_shell.errors import CorruptRun

Entry = tuple[bytes, bytes, int]
"""The key of a line, its rest, and its count."""

PAYLOAD_BYTES = 262_144
"""The most bytes of entries in a block that has several entries."""
MAX_RECORD_BYTES = (1 << 32) - 64
"""The most bytes of a line: an entry alone in its block must fit the block's 32-bit length."""
_BLOCK_MAGIC = 0x42524D4B
_CODEC_NONE = 0
_HEADER = struct.Struct("<IIIIBBH")
_CHECKSUM = struct.Struct("<I")
_HEADER_BYTES = _HEADER.size + _CHECKSUM.size
_LARGEST_OFFSET = (1 << 63) - 1
_INDEX_ENTRY = struct.Struct("<5Q")
_FOOTER_MAGIC = b"KMRRUN1\n"
_VERSION = 1
_FOOTER = struct.Struct("<8sIIQI")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionFacts:
    """An entry of the index of a run file: the facts about one partition. Offset and sizes are in bytes."""

    offset: int
    stored: int
    entries: int
    records: int
    raw_bytes: int


class Target(Protocol):
    """A destination of blocks. ``position`` is the number of bytes written so far."""

    position: int

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...


def write_partition(entries: Iterable[Entry], target: Target) -> PartitionFacts:
    """Write sorted entries as blocks. No two entries may have the same line."""
    offset = target.position
    count = records = raw_bytes = 0
    payload: list[bytes] = []
    size = 0
    for key, rest, times in entries:
        head = _number(times) + _number(len(key)) + _number(len(rest))
        length = len(head) + len(key) + len(rest)
        if payload and size + length > PAYLOAD_BYTES:
            _write_block(payload, size, target)
            payload.clear()
            size = 0
        payload.append(b"".join((head, key, rest)))
        size += length
        count += 1
        records += times
        raw_bytes += times * (len(key) + len(rest) + 1)
    if payload:
        _write_block(payload, size, target)
    return PartitionFacts(
        offset=offset, stored=target.position - offset, entries=count, records=records, raw_bytes=raw_bytes
    )


def write_index(partitions: Iterable[PartitionFacts], target: Target) -> None:
    """Write the index and the footer, which follow the last block."""
    offset = target.position
    packed = [_INDEX_ENTRY.pack(p.offset, p.stored, p.entries, p.records, p.raw_bytes) for p in partitions]
    index = b"".join(packed)
    footer = _FOOTER.pack(_FOOTER_MAGIC, _VERSION, len(packed), offset, zlib.crc32(index))
    target.write(index)
    target.write(footer + _CHECKSUM.pack(zlib.crc32(footer)))


class ReadableFile(Protocol):
    """A file that is read at given offsets. ``path`` names the file in errors."""

    path: str

    def read_at(self, size: int, offset: int) -> bytes:
        """Return at most ``size`` bytes, and no bytes at the end of the file."""
        ...


def read_entries(file: ReadableFile, offset: int, length: int, check: Callable[[], None]) -> Iterator[Entry]:
    """Yield the entries of a range of whole blocks. Raise CorruptRun if the range is damaged.

    ``check`` is called before each block. It may raise Cancelled to stop the read.
    """
    end = offset + length
    while offset < end:
        check()
        entries, payload = _read_block(file, offset, end)
        yield from _decode(file.path, offset, entries, payload)
        offset += _HEADER_BYTES + len(payload)


def largest_block(file: ReadableFile, offset: int, length: int) -> int:
    """Return the payload bytes of the largest block of a range.

    Only the headers are read. Damage is not an error here: ``read_entries`` checks the blocks.
    """
    end = offset + length
    largest = 0
    while offset < end:
        header = _read_at(file, _HEADER.size, offset)
        if len(header) < _HEADER.size:
            break
        magic, stored, *_ = _HEADER.unpack(header)
        if magic != _BLOCK_MAGIC:
            break
        offset += _HEADER_BYTES + stored
        if offset <= end:
            largest = max(largest, stored)
    return largest


def _write_block(payload: list[bytes], size: int, target: Target) -> None:
    header = _HEADER.pack(_BLOCK_MAGIC, size, size, len(payload), _CODEC_NONE, 0, 0)
    stored = b"".join(payload)
    target.write(header + _CHECKSUM.pack(zlib.crc32(stored, zlib.crc32(header))))
    target.write(stored)


def _read_block(file: ReadableFile, offset: int, end: int) -> tuple[int, bytes]:
    path = file.path
    if end - offset < _HEADER_BYTES:
        raise CorruptRun(path, offset, f"a block's header has {_HEADER_BYTES} bytes, the range {end - offset} more")
    header = _read(file, offset, _HEADER_BYTES)
    magic, stored, raw, entries, codec, _, _ = _HEADER.unpack_from(header)
    if magic != _BLOCK_MAGIC:
        raise CorruptRun(path, offset, "no block begins here")
    if stored > end - offset - _HEADER_BYTES:
        raise CorruptRun(path, offset, f"a block of {stored} bytes does not fit into the range")
    payload = _read(file, offset + _HEADER_BYTES, stored)
    if zlib.crc32(payload, zlib.crc32(header[: _HEADER.size])) != _CHECKSUM.unpack_from(header, _HEADER.size)[0]:
        raise CorruptRun(path, offset, "the block's checksum is wrong")
    if codec != _CODEC_NONE or raw != stored:
        raise CorruptRun(path, offset, f"a block of codec {codec} cannot be read by this version")
    return entries, payload


def _read_at(file: ReadableFile, size: int, offset: int) -> bytes:
    # No file has a byte behind this offset, and pread refuses such an offset. It comes from a damaged manifest.
    return file.read_at(size, offset) if offset <= _LARGEST_OFFSET else b""


def _read(file: ReadableFile, offset: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while size:
        piece = _read_at(file, size, offset)
        if not piece:
            raise CorruptRun(file.path, offset, f"the file ends here, {size} bytes too early")
        pieces.append(piece)
        offset += len(piece)
        size -= len(piece)
    return b"".join(pieces)


def _decode(path: str, offset: int, entries: int, payload: bytes) -> Iterator[Entry]:
    at = 0
    try:
        for _ in range(entries):
            times, at = _parse_number(payload, at)
            key_length, at = _parse_number(payload, at)
            rest_length, at = _parse_number(payload, at)
            start, middle = at, at + key_length
            at = middle + rest_length
            yield payload[start:middle], payload[middle:at], times
    except IndexError:
        raise CorruptRun(path, offset, "an entry does not end in its block") from None
    if at != len(payload):
        raise CorruptRun(path, offset, "the entries do not fill their block")


def _number(value: int) -> bytes:
    """Encode a number as LEB128: seven bits in each byte, the lowest first. The last byte has no high bit."""
    if value < 0x80:
        return _SMALL[value]
    digits = bytearray()
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def _parse_number(payload: bytes, at: int) -> tuple[int, int]:
    digit = payload[at]
    if digit < 0x80:
        return digit, at + 1
    value = shift = 0
    while digit >= 0x80:
        value |= (digit & 0x7F) << shift
        shift += 7
        at += 1
        digit = payload[at]
    return value | digit << shift, at + 1


_SMALL = [bytes((value,)) for value in range(0x80)]
