"""From the chunks of a stream to its lines, and to the distinct lines with their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice

from kubemr_shell.engine.reference.run_file import Entry
from kubemr_shell.errors import RecordTooLarge

# What CPython takes for a distinct line besides its bytes: the line, its key and its rest as objects, the slot of the
# dictionary, the tuple and its places in lists when the table is sorted.
_LINE_COST = 320


class LineSplitter:
    """Cuts one stream into lines. They end at LF only; a last one without it is a line all the same."""

    def __init__(self, max_record_bytes: int, first: int) -> None:
        self._limit = max_record_bytes
        self._record = first
        self._begun: list[bytes] = []
        self._size = 0

    def lines(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk."""
        lines = chunk.split(b"\n")
        if self._size + len(chunk) > self._limit:
            self._check(lines)
        tail = lines.pop()
        if lines:
            self._begun.append(lines[0])
            lines[0] = b"".join(self._begun)
            self._begun.clear()
            self._size = 0
        if tail:
            self._begun.append(tail)
            self._size += len(tail)
        self._record += len(lines)
        return lines

    def last(self) -> list[bytes]:
        """The line that the end of the stream cut off, if there is one."""
        return [b"".join(self._begun)] if self._begun else []

    def _check(self, pieces: list[bytes]) -> None:
        size = self._size
        for number, piece in enumerate(pieces):
            size += len(piece)
            if size > self._limit:
                begun = [*self._begun, piece] if number == 0 else [piece]
                raise RecordTooLarge(self._record + number, size, self._limit, b"".join(begun)[:256])
            size = 0


class LineTable:
    """The distinct lines that are in memory, with an estimate of the bytes that they take until they are sorted."""

    def __init__(self) -> None:
        self.memory = 0
        self._counts: Counter[bytes] = Counter()

    def add(self, lines: list[bytes]) -> None:
        before = len(self._counts)
        self._counts.update(lines)
        new = len(self._counts) - before
        # A dictionary keeps the order of insertion, so the new lines are the last ones.
        self.memory += new * _LINE_COST + 2 * sum(map(len, islice(reversed(self._counts), new)))

    def by_partition(
        self, cut: Callable[[bytes], tuple[bytes, bytes]], partition: Callable[[bytes], int]
    ) -> dict[int, list[Entry]]:
        """The sorted entries of each partition that has any."""
        partitions: dict[int, list[Entry]] = {}
        for line, count in self._counts.items():
            key, rest = cut(line)
            partitions.setdefault(partition(key), []).append((key, rest, count))
        for entries in partitions.values():
            entries.sort()
        return partitions

    def clear(self) -> None:
        self.memory = 0
        self._counts.clear()
