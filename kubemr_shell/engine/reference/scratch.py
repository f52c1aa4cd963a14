"""Sorted runs on local disk, in files that no longer have a name: a killed process leaves none behind."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kubemr_shell.engine.reference.descriptors import FileWriter
from kubemr_shell.engine.reference.merge import merged
from kubemr_shell.engine.reference.run_file import Entry, read_entries, write_partition


class ScratchFile:
    """Blocks that are written once, one after the other, and read until the file is closed."""

    def __init__(self, folder: str) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - close() closes it
        self.fd = self._file.fileno()
        self.path = f"{folder}/(unnamed scratch file)"
        self.writer = FileWriter(self.fd, self.path)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    level: int
    bounds: array[int]  # partition p lies from bounds[p] to bounds[p + 1]


class Spills:
    """What did not fit into memory: runs of all partitions, one after the other in one scratch file.

    There are few runs at any time: as soon as ``fan_in`` of one level are there, they become one of the next level.
    """

    def __init__(self, folder: str, partitions: int, fan_in: int) -> None:
        self._scratch = ScratchFile(folder)
        self._partitions = partitions
        self._fan_in = fan_in
        self._runs: list[_Run] = []

    @property
    def written(self) -> int:
        return self._scratch.writer.position

    def add(self, entries: Mapping[int, list[Entry]], check: Callable[[], None]) -> None:
        self._runs.append(self._write(0, lambda partition: iter(entries.get(partition, ()))))
        while len(self._runs) >= self._fan_in and self._runs[-self._fan_in].level == self._runs[-1].level:
            self._join_last(check)

    def settle(self, check: Callable[[], None]) -> None:
        """Leaves no more runs than can be merged at once. The last ones are the smallest."""
        while len(self._runs) > self._fan_in:
            self._join_last(check)

    def entries(self, partition: int, check: Callable[[], None]) -> list[Iterator[Entry]]:
        return self._read(self._runs, partition, check)

    def close(self) -> None:
        self._scratch.close()

    def _join_last(self, check: Callable[[], None]) -> None:
        group = self._runs[-self._fan_in :]
        joined = self._write(group[0].level + 1, lambda partition: merged(self._read(group, partition, check)))
        self._runs[-self._fan_in :] = [joined]

    def _write(self, level: int, entries: Callable[[int], Iterator[Entry]]) -> _Run:
        writer = self._scratch.writer
        bounds = array("Q", [writer.position])
        for partition in range(self._partitions):
            write_partition(entries(partition), writer)
            bounds.append(writer.position)
        writer.flush()
        return _Run(level=level, bounds=bounds)

    def _read(self, runs: list[_Run], partition: int, check: Callable[[], None]) -> list[Iterator[Entry]]:
        scratch = self._scratch
        ranges = [(run.bounds[partition], run.bounds[partition + 1]) for run in runs]
        return [
            read_entries(scratch.fd, scratch.path, start, end - start, check) for start, end in ranges if start < end
        ]
