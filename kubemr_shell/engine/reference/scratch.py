"""Sorted runs on local disk, in files without a name, so that a killed process leaves no file behind."""

from __future__ import annotations

import os
import struct
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kubemr_shell.engine.reference.descriptors import FileWriter
from kubemr_shell.engine.reference.merge import Budget, merged
from kubemr_shell.engine.reference.run_file import Entry, largest_block, read_entries, write_partition

_BOUNDS = struct.Struct("=QQ")  # the layout of array("Q")


class ScratchFile:
    """A file without a name, for blocks that are written once and read many times until the file is closed."""

    def __init__(self, folder: str) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - close() closes it
        self.fd = self._file.fileno()
        self.path = f"{folder}/(unnamed scratch file)"
        self.writer = FileWriter(self.fd, self.path)

    def read_at(self, size: int, offset: int) -> bytes:
        """Return up to ``size`` bytes from ``offset`` on."""
        return os.pread(self.fd, size, offset)

    def close(self) -> None:
        """Close the file, which frees its disk space."""
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    index: int  # the offset of the bounds in the file: partition p reaches from bound p to bound p + 1
    largest_block: int


class Spills:
    """The spilled runs of a task, one after the other in one scratch file. Each run has all partitions.

    The number of runs stays small. When a level has more runs than can be merged at a time, they become one run of the
    next level. So a record is written once in each level, and each level has many times the records of the level
    before.
    """

    def __init__(self, folder: str, partitions: int, budget: Budget) -> None:
        self._scratch = ScratchFile(folder)
        self._partitions = partitions
        self._budget = budget
        self._levels: list[list[_Run]] = []

    @property
    def written(self) -> int:
        """Return the bytes written to the scratch file."""
        return self._scratch.writer.position

    def add(self, entries: Mapping[int, list[Entry]], check: Callable[[], None]) -> None:
        """Write a run with the sorted entries of each partition. ``check`` may raise Cancelled during merges."""
        new = self._write(lambda partition: iter(entries.get(partition, ())))
        for level in self._levels:
            level.append(new)
            if self._allowed(level):
                return
            new = self._join(level[:-1], check)
            del level[:-1]
        self._levels.append([new])

    def settle(self, check: Callable[[], None]) -> None:
        """Merge runs until the rest can be merged at a time."""
        runs = [run for level in self._levels for run in level]
        while not self._allowed(runs):
            size = self._budget.group([run.largest_block for run in runs])
            runs = [*runs[size:], self._join(runs[:size], check)]
            self._levels = [runs]

    def entries(self, partition: int, check: Callable[[], None]) -> list[Iterator[Entry]]:
        """Return the entries of a partition, one iterator for each run that has the partition."""
        return self._read([run for level in self._levels for run in level], partition, check)

    def close(self) -> None:
        """Close the scratch file, which frees its disk space."""
        self._scratch.close()

    def _allowed(self, runs: Sequence[_Run]) -> bool:
        return self._budget.allows([run.largest_block for run in runs])

    def _join(self, runs: Sequence[_Run], check: Callable[[], None]) -> _Run:
        return self._write(lambda partition: merged(self._read(runs, partition, check)))

    def _write(self, entries: Callable[[int], Iterator[Entry]]) -> _Run:
        writer = self._scratch.writer
        start = writer.position
        bounds = array("Q", [start])
        for partition in range(self._partitions):
            write_partition(entries(partition), writer)
            bounds.append(writer.position)
        index, end = writer.position, bounds[-1]
        writer.write(bounds.tobytes())
        writer.flush()
        return _Run(index=index, largest_block=largest_block(self._scratch, start, end - start))

    def _read(self, runs: Sequence[_Run], partition: int, check: Callable[[], None]) -> list[Iterator[Entry]]:
        scratch = self._scratch
        ranges = [_BOUNDS.unpack(scratch.read_at(_BOUNDS.size, run.index + 8 * partition)) for run in runs]
        return [read_entries(scratch, start, end - start, check) for start, end in ranges if start < end]
