"""A third implementation of the engine: whole lists, plain sorts, and none of the engine's code."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The settings that decide how lines are cut into keys and spread over partitions."""

    partitions: int = 1
    separator: bytes = b"\t"
    key_fields: int = 1


def lines_of(stream: bytes) -> list[bytes]:
    lines = stream.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def cut(line: bytes, shape: Shape) -> tuple[bytes, bytes]:
    pieces = line.split(shape.separator, shape.key_fields)
    if len(pieces) <= shape.key_fields:
        return line, b""
    key = shape.separator.join(pieces[: shape.key_fields])
    return key, line[len(key) :]


def partition_of(key: bytes, partitions: int) -> int:
    h = 14695981039346656037
    for byte in key:
        h = (h ^ byte) * 1099511628211 % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h // 2**33) * factor % 2**64
    h ^= h // 2**33
    return h // 2**32 * partitions // 2**32


def sorted_lines(streams: Iterable[bytes], shape: Shape) -> list[list[bytes]]:
    """The lines of each partition, in order."""
    partitions: list[list[bytes]] = [[] for _ in range(shape.partitions)]
    for stream in streams:
        for line in lines_of(stream):
            partitions[partition_of(cut(line, shape)[0], shape.partitions)].append(line)
    return [sorted(lines, key=lambda line: cut(line, shape)) for lines in partitions]


def as_stream(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def key_weights(lines: Iterable[bytes], shape: Shape) -> Counter[bytes]:
    return Counter(cut(line, shape)[0] for line in lines)


def run_file(partitions: list[list[bytes]], shape: Shape) -> bytes:
    """The run file of sorted lines."""
    file = bytearray()
    index = b""
    for lines in partitions:
        counts = Counter(lines)
        offset = len(file)
        for block in _blocks(counts, shape):
            file += block
        raw = sum(len(line) + 1 for line in lines)
        index += struct.pack("<5Q", offset, len(file) - offset, len(counts), len(lines), raw)
    footer = b"KMRRUN1\n" + struct.pack("<IIQI", 1, len(partitions), len(file), zlib.crc32(index))
    return bytes(file) + index + footer + struct.pack("<I", zlib.crc32(footer))


def _blocks(counts: Counter[bytes], shape: Shape) -> list[bytes]:
    """Blocks of entries in the order of the counter."""
    payloads: list[list[bytes]] = []
    size = 0
    for line, count in counts.items():
        key, rest = cut(line, shape)
        entry = entry_of(count, key, rest)
        if not payloads or size + len(entry) > 262_144:
            payloads.append([])
            size = 0
        payloads[-1].append(entry)
        size += len(entry)
    return [block_of(b"".join(entries), len(entries)) for entries in payloads]


def entry_of(count: int, key: bytes, rest: bytes) -> bytes:
    return _leb128(count) + _leb128(len(key)) + _leb128(len(rest)) + key + rest


def block_of(payload: bytes, entries: int, *, codec: int = 0) -> bytes:
    header = b"KMRB" + struct.pack("<IIIBxxx", len(payload), len(payload), entries, codec)
    return header + struct.pack("<I", zlib.crc32(header + payload)) + payload


def _leb128(value: int) -> bytes:
    digits = [value & 127]
    while value := value >> 7:
        digits[-1] |= 128
        digits.append(value & 127)
    return bytes(digits)
