"""The manifest of a closed map shard: the place of each partition in the output of each task.

The manifest is written once, when the shard is closed. Every worker writes the same bytes. The ranges are ordered by
partition, so a reducer reads one short piece. Little-endian:

    header     8 bytes ``KMRMAN2\\n``, u64 first task, u32 tasks, u32 partitions, u32 CRC-32 of these and the attempts
    attempts   u32 for each task: the winning attempt
    blocks     for each partition: u32 CRC-32 of its number (u32) and its ranges, then its ranges: for each task
               u64 offset, u64 length in the task's map output

Version 1 (``KMRMAN1``) is refused. It had the checksums of all partitions after the attempts, which was too much to
read if there are many small shards.
"""

from __future__ import annotations

import operator
import struct
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kubemr_shell.errors import CorruptRun
from kubemr_shell.shuffle.lengths import Lengths, little_endian, unpacked

MAGIC = b"KMRMAN2\n"
"""The first bytes of the manifest, with its version."""
_OLDER = b"KMRMAN1\n"
_HEADER = struct.Struct("<8sQIII")
_CHECKED_HEADER_BYTES = _HEADER.size - 4
_CRC = struct.Struct("<I")
_RANGE = struct.Struct("<QQ")
_FIRST_READ_BYTES = 64 << 10
"""The bytes of the first read. They are the whole of a small manifest. A request costs more than these bytes."""

ReadRange = Callable[[int, int], bytes]
"""A function that returns the bytes from an offset to an end, or fewer if the object ends before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRange:
    """The place of one partition in the output of one map attempt. Offset and length are in bytes."""

    task: int
    attempt: int
    offset: int
    length: int


def encode_map_manifest(first: int, attempts: Sequence[int], lengths: Sequence[Lengths]) -> bytearray:
    """Return the manifest of the tasks from ``first`` on. ``lengths`` has the lengths of each task's partitions.

    The manifest is built in one buffer, partition by partition. A million ranges as objects would take 100 MB.
    """
    tasks, of_tasks = len(attempts), [unpacked(of_task) for of_task in lengths]
    partitions = len(of_tasks[0])
    manifest = bytearray(_blocks_begin(tasks) + partitions * _block_bytes(tasks))
    view = memoryview(manifest)
    at = _blocks_begin(tasks)
    offsets = array("Q", bytes(8 * tasks))
    ranges = array("Q", bytes(_RANGE.size * tasks))
    for partition in range(partitions):
        column = array("Q", [of_task[partition] for of_task in of_tasks])
        ranges[0::2], ranges[1::2] = offsets, column
        block = little_endian(ranges[:]).tobytes()
        _CRC.pack_into(manifest, at, _block_crc(partition, block))
        view[at + _CRC.size : at + _CRC.size + len(block)] = block
        at += _CRC.size + len(block)
        offsets = array("Q", map(operator.add, offsets, column))
    won = little_endian(array("I", attempts)).tobytes()
    view[_HEADER.size : _blocks_begin(tasks)] = won
    header = _HEADER.pack(MAGIC, first, tasks, partitions, 0)[:_CHECKED_HEADER_BYTES]
    view[: _HEADER.size] = header + _CRC.pack(zlib.crc32(won, zlib.crc32(header)))
    return manifest


def read_requests(tasks: int, partitions: int, reads: int) -> int:
    """Return the number of requests of a reader that looks up partitions in a manifest ``reads`` times."""
    begin = _blocks_begin(tasks)
    if begin + partitions * _block_bytes(tasks) <= _FIRST_READ_BYTES:
        return 1
    return reads + (1 if begin <= _FIRST_READ_BYTES else 2)


def _blocks_begin(tasks: int) -> int:
    return _HEADER.size + 4 * tasks


def _block_bytes(tasks: int) -> int:
    return _CRC.size + _RANGE.size * tasks


def _block_crc(partition: int, block: bytes) -> int:
    """Return the checksum of a block. The number of the partition is included, so a misplaced block is detected."""
    return zlib.crc32(block, zlib.crc32(_CRC.pack(partition)))


class MapManifest:
    """A manifest that is read piece by piece. ``source`` is its name in errors. All errors are CorruptRun."""

    def __init__(self, read_range: ReadRange, source: str) -> None:
        self._read_range = read_range
        self._source = source
        self._start = read_range(0, _FIRST_READ_BYTES)
        if self._start[: len(_OLDER)] == _OLDER:
            raise CorruptRun(source, 0, "the shard manifest was written by an older version: run the job anew")
        if len(self._start) < _HEADER.size:
            raise CorruptRun(source, 0, "the shard manifest is cut short")
        magic, self._first, self._tasks, self._partitions, crc = _HEADER.unpack_from(self._start)
        attempts = self._read(_HEADER.size, _blocks_begin(self._tasks)) if magic == MAGIC else b""
        if magic != MAGIC or zlib.crc32(attempts, zlib.crc32(self._start[:_CHECKED_HEADER_BYTES])) != crc:
            raise CorruptRun(source, 0, "the shard manifest is not what was written")
        self._attempts = little_endian(array("I", attempts))
        if len(self._start) == _FIRST_READ_BYTES:  # the other blocks are read on demand
            self._start = b""

    @property
    def kept_bytes(self) -> int:
        """Return the approximate bytes of the manifest in memory."""
        return len(self._start) + self._attempts.itemsize * len(self._attempts)

    def ranges(self, first: int, last: int) -> Iterator[list[MapRange]]:
        """Yield the non-empty ranges of each partition from ``first`` to ``last``, in task order, with one read."""
        if last >= self._partitions:
            raise CorruptRun(self._source, 0, f"the shard manifest has no partition {last}, only {self._partitions}")
        size = _block_bytes(self._tasks)
        start = _blocks_begin(self._tasks) + first * size
        blocks = self._read(start, start + (last + 1 - first) * size)
        for partition in range(first, last + 1):
            block = blocks[(partition - first) * size :][:size]
            ranges = block[_CRC.size :]
            if len(block) != size or _block_crc(partition, ranges) != _CRC.unpack_from(block)[0]:
                raise CorruptRun(self._source, start, f"the ranges of partition {partition} are not what was written")
            yield [
                MapRange(task=self._first + index, attempt=self._attempts[index], offset=offset, length=length)
                for index, (offset, length) in enumerate(_RANGE.iter_unpack(ranges))
                if length
            ]

    def _read(self, start: int, end: int) -> bytes:
        """Return a range of the manifest. Bytes of the first read are not read again."""
        if end <= len(self._start) or 0 < len(self._start) < _FIRST_READ_BYTES:
            return self._start[start:end]
        return self._read_range(start, end)
