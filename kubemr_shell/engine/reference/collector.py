"""The map side: makes one run file of the lines of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kubemr_shell.engine.reference.descriptors import Cancelled, FileWriter, PipeReader
from kubemr_shell.engine.reference.facts import OutputFacts
from kubemr_shell.engine.reference.lines import LineSplitter, LineTable
from kubemr_shell.engine.reference.merge import Budget, merged
from kubemr_shell.engine.reference.partition import check_partitions, key_cutter, partitioner
from kubemr_shell.engine.reference.run_file import MAX_RECORD_BYTES, Entry, write_index, write_partition
from kubemr_shell.engine.reference.scratch import Spills

_MIN_READ, _MAX_READ = 4 << 10, 256 << 10


class Collector:
    """A collector of the lines of one task at a time. ``reset`` makes it ready for the next task.

    After an error, only ``reset`` and ``close`` may be called. ``records``, ``raw_bytes`` and ``spilled_bytes`` count
    since the last reset; ``moved`` counts the bytes that were ever read.
    """

    def __init__(
        self,
        *,
        partitions: int,
        separator: bytes,
        key_fields: int,
        memory_bytes: int,
        max_record_bytes: int,
        spill_dir: str,
    ) -> None:
        check_partitions(partitions)
        self._partitions = partitions
        self._cut = key_cutter(separator, key_fields)
        self._partition_of = partitioner(partitions)
        self._memory_bytes = memory_bytes
        self._max_record_bytes = min(max_record_bytes, MAX_RECORD_BYTES)
        self._read_bytes = min(_MAX_READ, max(_MIN_READ, memory_bytes // 64))
        self._spill_dir = spill_dir
        self.moved = 0
        self._table = LineTable()
        self._spills: Spills | None = None
        self._sorted: dict[int, list[Entry]] | None = None
        self.records = self.raw_bytes = 0

    @property
    def spilled_bytes(self) -> int:
        """Return the bytes written to the scratch file since the last reset."""
        return self._spills.written if self._spills else 0

    def drain(self, fd: int, cancel_fd: int) -> bool:
        """Collect the lines of ``fd`` to its end. Return False if ``cancel_fd`` became readable before.

        Raise RecordTooLarge if a line is longer than the limit, OutOfSpace if the lines cannot be spilled.
        """
        reader = PipeReader(fd, cancel_fd)
        splitter = LineSplitter(self._max_record_bytes, self.records + 1)
        try:
            while chunk := reader.read(self._read_bytes):
                self.moved += len(chunk)
                self._add(splitter.lines(chunk), reader.check)
            self._add(splitter.last(), reader.check)
        except Cancelled:
            return False
        return True

    def write_output(self, fd: int) -> OutputFacts:
        """Write the collected lines to ``fd`` as a run file. Raise OutOfSpace if the disk is full."""
        target = FileWriter(fd, "map output")
        check: Callable[[], None] = lambda: None  # noqa: E731
        written = [
            write_partition(entries, target) for entries in (self._entries(p, check) for p in range(self._partitions))
        ]
        write_index(written, target)
        target.flush()
        return OutputFacts(
            records=sum(p.records for p in written),
            raw_bytes=sum(p.raw_bytes for p in written),
            entries=sum(p.entries for p in written),
            stored_bytes=sum(p.stored for p in written),
            partitions=[(p.offset, p.stored, p.records, p.raw_bytes) for p in written],
        )

    def reset(self) -> None:
        """Forget the lines, and be ready for the next task."""
        self._table.clear()
        self._sorted = None
        self.records = self.raw_bytes = 0
        if self._spills:
            self._spills.close()
            self._spills = None

    def close(self) -> None:
        """Release the memory and the scratch file."""
        self.reset()

    def _add(self, lines: list[bytes], check: Callable[[], None]) -> None:
        if not lines:
            return
        self._sorted = None
        self._table.add(lines)
        self.records += len(lines)
        self.raw_bytes += sum(map(len, lines)) + len(lines)
        if self._table.memory > self._memory_bytes:
            self._spill(check)

    def _spill(self, check: Callable[[], None]) -> None:
        if self._spills is None:
            self._spills = Spills(self._spill_dir, self._partitions, Budget(self._memory_bytes))
        self._spills.add(self._table.by_partition(self._cut, self._partition_of), check)
        self._table.clear()

    def _entries(self, partition: int, check: Callable[[], None]) -> Iterator[Entry]:
        if self._sorted is None:
            self._sorted = self._table.by_partition(self._cut, self._partition_of)
        in_memory = self._sorted.get(partition, [])
        if self._spills is None:
            yield from in_memory
            return
        self._spills.settle(check)
        yield from merged([*self._spills.entries(partition, check), in_memory])
