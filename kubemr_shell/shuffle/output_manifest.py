"""The manifest of a closed shard of the phase that writes parts: the staged part of each winning attempt.

Every worker writes the same bytes. Little-endian:

    header     8 bytes ``KMROUT2\\n``, u64 first task, u32 tasks, u32 CRC-32 of these and the entries
    entries    for each task: u32 winning attempt, u32 CRC-32 of the part, u64 bytes, u64 records, u64 seal
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from kubemr_shell.errors import CorruptRun

MAGIC = b"KMROUT2\n"
"""The first bytes of the manifest, with its version."""
_HEADER = struct.Struct("<8sQII")
_CHECKED_HEADER_BYTES = _HEADER.size - 4
_ENTRY = struct.Struct("<IIQQQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A part that the winning attempt of a task staged: its bytes, its records (line ends), its CRC-32 and its seal."""

    task: int
    attempt: int
    bytes: int
    records: int
    crc32: int
    seal: int = 0
    """See ``Receipt.seal``."""


def encode_output_manifest(first: int, parts: Iterable[StagedPart]) -> bytes:
    """Return the manifest of a shard. ``parts`` are in task order, and ``first`` is the first task."""
    entries = [_ENTRY.pack(part.attempt, part.crc32, part.bytes, part.records, part.seal) for part in parts]
    body = b"".join(entries)
    header = _HEADER.pack(MAGIC, first, len(entries), 0)[:_CHECKED_HEADER_BYTES]
    return header + zlib.crc32(body, zlib.crc32(header)).to_bytes(4, "little") + body


def decode_output_manifest(data: bytes, source: str) -> list[StagedPart]:
    """Return the parts of the shard in task order. ``source`` is the name of the manifest in errors."""
    if len(data) < _HEADER.size:
        raise CorruptRun(source, 0, "the shard manifest is cut short")
    magic, first, count, crc = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    checksum = zlib.crc32(body, zlib.crc32(data[:_CHECKED_HEADER_BYTES]))
    if magic != MAGIC or checksum != crc or len(body) != count * _ENTRY.size:
        raise CorruptRun(source, 0, "the shard manifest is not what was written")
    return [
        StagedPart(task=first + index, attempt=attempt, bytes=size, records=records, crc32=checksum, seal=seal)
        for index, (attempt, checksum, size, records, seal) in enumerate(_ENTRY.iter_unpack(body))
    ]
