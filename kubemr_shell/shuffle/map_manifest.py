"""The manifest of one closed map shard: where each partition lies in each task's output.

Written once when the shard is closed, the same bytes whoever writes it, and partition-major, so that a reducer
reads two short pieces of it. Little-endian:

    header     8 bytes ``KMRMAN1\\n``, u64 first task, u32 tasks, u32 partitions, u32 CRC-32 of these and the contents
    contents   u32 a task: the attempt that won; u32 a partition: CRC-32 of the partition's ranges
    ranges     for each partition, for each task: u64 offset, u64 length in the task's map output
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kubemr_shell.errors import CorruptRun

MAGIC = b"KMRMAN1\n"
_HEADER = struct.Struct("<8sQIII")
_CHECKED_HEADER_BYTES = _HEADER.size - 4
_RANGE = struct.Struct("<QQ")

ReadRange = Callable[[int, int], bytes]
"""Gives the bytes from an offset to an end; fewer where the object ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRange:
    """Where one partition lies in the output of one map attempt; offset and length in bytes."""

    task: int
    attempt: int
    offset: int
    length: int


def encode_map_manifest(first: int, attempts: Sequence[int], ranges: Sequence[Sequence[tuple[int, int]]]) -> bytes:
    """``ranges[i][p]`` is the (offset, length) of partition p in the output of task ``first + i``."""
    by_partition = [
        b"".join(_RANGE.pack(*task_ranges[partition]) for task_ranges in ranges) for partition in range(len(ranges[0]))
    ]
    checksums = [zlib.crc32(block) for block in by_partition]
    contents = struct.pack(f"<{len(attempts) + len(checksums)}I", *attempts, *checksums)
    header = _HEADER.pack(MAGIC, first, len(attempts), len(by_partition), 0)[:_CHECKED_HEADER_BYTES]
    checksum = zlib.crc32(contents, zlib.crc32(header)).to_bytes(4, "little")
    return b"".join([header, checksum, contents, *by_partition])


def read_map_ranges(read_range: ReadRange, partition: int, source: str) -> list[MapRange]:
    """The non-empty ranges of one partition, in task order; ``source`` names the manifest in an error."""
    header = read_range(0, _HEADER.size)
    if len(header) < _HEADER.size:
        raise CorruptRun(source, 0, "the shard manifest is cut short")
    magic, first, count, partitions, crc = _HEADER.unpack(header)
    contents_end = _HEADER.size + 4 * (count + partitions)
    contents = read_range(_HEADER.size, contents_end) if magic == MAGIC else b""
    if magic != MAGIC or zlib.crc32(contents, zlib.crc32(header[:_CHECKED_HEADER_BYTES])) != crc:
        raise CorruptRun(source, 0, "the shard manifest is not what was written")
    if partition >= partitions:
        raise CorruptRun(source, 0, f"the shard manifest has no partition {partition}, only {partitions}")
    numbers = struct.unpack(f"<{count + partitions}I", contents)
    start = contents_end + partition * count * _RANGE.size
    block = read_range(start, start + count * _RANGE.size)
    if len(block) != count * _RANGE.size or zlib.crc32(block) != numbers[count + partition]:
        raise CorruptRun(source, start, f"the ranges of partition {partition} are not what was written")
    return [
        MapRange(task=first + index, attempt=numbers[index], offset=offset, length=length)
        for index, (offset, length) in enumerate(_RANGE.iter_unpack(block))
        if length
    ]
