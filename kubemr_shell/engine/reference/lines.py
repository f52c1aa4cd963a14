"""Cuts the chunks of a stream into lines, and counts the distinct lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice

from kubemr_shell.engine.reference.run_file import Entry
from kubemr_shell.errors import RecordTooLarge

_LINE_COST = 320
"""The bytes that CPython takes for a distinct line besides the bytes of the line.

These are the objects of the line, its key and its rest, the slot of the dictionary, and the tuple. When the table is
sorted, the places of the tuple in lists count too.
"""


class LineSplitter:
    """A splitter of one stream into lines. A line ends at LF only; the last line may end without LF.

    ``first`` is the number of the first line, for errors.
    """

    def __init__(self, max_record_bytes: int, first: int) -> None:
        self._limit = max_record_bytes
        self._record = first
        self._begun: list[bytes] = []
        self._size = 0

    def lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in this chunk, without LF. Raise RecordTooLarge."""
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
        """Return the last line as a list if the stream ended without LF, else an empty list."""
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
    """The distinct lines in memory. ``memory`` estimates the bytes that they take, with the sorting included."""

    def __init__(self) -> None:
        self.memory = 0
        self._counts: Counter[bytes] = Counter()

    def add(self, lines: list[bytes]) -> None:
        """Count lines."""
        before = len(self._counts)
        self._counts.update(lines)
        new = len(self._counts) - before
        # A dictionary keeps the order of insertion, so the new lines are the last ones.
        self.memory += new * _LINE_COST + 2 * sum(map(len, islice(reversed(self._counts), new)))

    def by_partition(
        self, cut: Callable[[bytes], tuple[bytes, bytes]], partition: Callable[[bytes], int]
    ) -> dict[int, list[Entry]]:
        """Return the sorted entries of each partition that has entries."""
        partitions: dict[int, list[Entry]] = {}
        for line, count in self._counts.items():
            key, rest = cut(line)
            partitions.setdefault(partition(key), []).append((key, rest, count))
        for entries in partitions.values():
            entries.sort()
        return partitions

    def clear(self) -> None:
        """Forget all lines."""
        self.memory = 0
        self._counts.clear()
