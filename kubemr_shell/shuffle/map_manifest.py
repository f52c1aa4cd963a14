"""The manifest of one closed map shard: where each partition lies in each task's output.

Written once when the shard is closed, with the same bytes whoever writes it. It is partition-major, so a reducer reads
one short piece of it. Little-endian:

    header     8 bytes ``KMRMAN2\\n``, u64 first task, u32 tasks, u32 partitions, u32 CRC-32 of these and the attempts
    attempts   u32 for each task: the attempt that won
    blocks     for each partition: u32 CRC-32 of its number (u32) and its ranges, then its ranges: for each task
               u64 offset, u64 length in the task's map output

Version 1 (``KMRMAN1``) had the checksums of all partitions behind the attempts: too much to read for each of many
small shards. It is refused.
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
_OLDER = b"KMRMAN1\n"
_HEADER = struct.Struct("<8sQIII")
_CHECKED_HEADER_BYTES = _HEADER.size - 4
_CRC = struct.Struct("<I")
_RANGE = struct.Struct("<QQ")
_FIRST_READ_BYTES = 64 << 10
"""All of many manifests, and the begin of the others: a request to an object store costs more than these bytes."""

ReadRange = Callable[[int, int], bytes]
"""Gives the bytes from an offset to an end; fewer where the object ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRange:
    """Where one partition lies in the output of one map attempt; offset and length in bytes."""

    task: int
    attempt: int
    offset: int
    length: int


def encode_map_manifest(first: int, attempts: Sequence[int], lengths: Sequence[Lengths]) -> bytearray:
    """Return the manifest of the tasks from ``first`` on; ``lengths`` are those of each task's partitions.

    It is built in its place, partition by partition: the numbers of a million ranges as objects take 100 MB.
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
    """Return how many ranges of a manifest are read by one who looks for partitions ``reads`` times."""
    begin = _blocks_begin(tasks)
    if begin + partitions * _block_bytes(tasks) <= _FIRST_READ_BYTES:
        return 1
    return reads + (1 if begin <= _FIRST_READ_BYTES else 2)


def _blocks_begin(tasks: int) -> int:
    return _HEADER.size + 4 * tasks


def _block_bytes(tasks: int) -> int:
    return _CRC.size + _RANGE.size * tasks


def _block_crc(partition: int, block: bytes) -> int:
    """The number of the partition is in it: a block in the place of another one is damage."""
    return zlib.crc32(block, zlib.crc32(_CRC.pack(partition)))


class MapManifest:
    """Reads a manifest piece by piece; ``source`` names it in an error, which is always CorruptRun."""

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
        if len(self._start) == _FIRST_READ_BYTES:  # the rest is read where it is wanted
            self._start = b""

    @property
    def kept_bytes(self) -> int:
        """About what it holds in memory."""
        return len(self._start) + self._attempts.itemsize * len(self._attempts)

    def ranges(self, first: int, last: int) -> Iterator[list[MapRange]]:
        """Yield the non-empty ranges of each partition from ``first`` to ``last``, in task order. One read for all."""
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
        """What was read at first need not be read again."""
        if end <= len(self._start) or 0 < len(self._start) < _FIRST_READ_BYTES:
            return self._start[start:end]
        return self._read_range(start, end)
