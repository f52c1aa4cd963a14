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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kubemr_shell.errors import CorruptRun

MAGIC = b"KMRMAN1\n"
_HEADER = struct.Struct("<8sQIII")
_CHECKED_HEADER_BYTES = _HEADER.size - 4
_RANGE = struct.Struct("<QQ")
_FIRST_READ_BYTES = 64 << 10
"""Header and contents of most manifests, all of many: a request to an object store costs more than these bytes."""

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


def read_requests(tasks: int, partitions: int, reads: int) -> int:
    """How many ranges of a manifest are read by one who looks for partitions ``reads`` times."""
    size = _HEADER.size + 4 * (tasks + partitions) + _RANGE.size * tasks * partitions
    return 1 if size <= _FIRST_READ_BYTES else 1 + reads


class MapManifest:
    """Reads a manifest piece by piece; ``source`` names it in an error, which is always CorruptRun."""

    def __init__(self, read_range: ReadRange, source: str) -> None:
        self._read_range = read_range
        self._source = source
        self._start = read_range(0, _FIRST_READ_BYTES)
        if len(self._start) < _HEADER.size:
            raise CorruptRun(source, 0, "the shard manifest is cut short")
        magic, self._first, self._tasks, self._partitions, crc = _HEADER.unpack_from(self._start)
        self._contents_end = _HEADER.size + 4 * (self._tasks + self._partitions)
        contents = self._read(_HEADER.size, self._contents_end) if magic == MAGIC else b""
        if magic != MAGIC or zlib.crc32(contents, zlib.crc32(self._start[:_CHECKED_HEADER_BYTES])) != crc:
            raise CorruptRun(source, 0, "the shard manifest is not what was written")
        self._numbers = struct.unpack(f"<{self._tasks + self._partitions}I", contents)

    @property
    def kept_bytes(self) -> int:
        """About what it holds in memory."""
        return len(self._start) + 8 * len(self._numbers)

    def ranges(self, first: int, last: int) -> Iterator[list[MapRange]]:
        """The non-empty ranges of each partition from ``first`` to ``last``, in task order. One read for all."""
        if last >= self._partitions:
            raise CorruptRun(self._source, 0, f"the shard manifest has no partition {last}, only {self._partitions}")
        size = self._tasks * _RANGE.size
        start = self._contents_end + first * size
        blocks = self._read(start, start + (last + 1 - first) * size)
        for partition in range(first, last + 1):
            block = blocks[(partition - first) * size :][:size]
            if len(block) != size or zlib.crc32(block) != self._numbers[self._tasks + partition]:
                raise CorruptRun(self._source, start, f"the ranges of partition {partition} are not what was written")
            yield [
                MapRange(task=self._first + index, attempt=self._numbers[index], offset=offset, length=length)
                for index, (offset, length) in enumerate(_RANGE.iter_unpack(block))
                if length
            ]

    def _read(self, start: int, end: int) -> bytes:
        """What was read at first need not be read again."""
        if end <= len(self._start) or len(self._start) < _FIRST_READ_BYTES:
            return self._start[start:end]
        return self._start[start:end] + self._read_range(max(start, len(self._start)), end)
