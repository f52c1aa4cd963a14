"""Finds the places that cut a stream into parts with a limited number of records. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from kubemr_shell.inputs.records.boundaries import Boundaries
from kubemr_shell.inputs.records.scanners import NativeScanner, Scanner

STEP_BYTES = 32 << 10
"""The bytes that are scanned at once. After each record that ends a part, the rest of these bytes is copied."""


class RecordCuts(Protocol):
    """A finder of cuts in a stream of whole records, which begins with a record.

    No part between two cuts has more records than the limit. A part is cut behind the record that reaches the limit of
    its bytes. The end of the stream may be a cut too.
    """

    @property
    def records(self) -> int:
        """Return the number of records so far, including an unfinished last one."""
        ...

    def feed(self, block: bytes) -> Iterator[int]:
        """Take a block, and yield the offsets of the cuts that are certain now. Raise Damage."""
        ...

    def end(self) -> Iterator[int]:
        """Yield the cuts that only the end of the stream shows. Raise Damage if the last record is not whole."""
        ...


class NativeCuts(RecordCuts):
    """A finder for a format that the engine knows. ``most`` and ``most_bytes`` limit a part."""

    def __init__(self, scanner: NativeScanner, *, most: int, most_bytes: int) -> None:
        self._scanner = scanner
        self._most = most
        self._most_bytes = most_bytes
        self._position = 0
        self._start = 0
        """The offset of the current part."""
        self._before = 0
        """The records before the current part."""
        self._last = most
        """The number of the last record that the current part may have."""
        self._is_full = False
        """Whether the limit of the bytes has decided about ``_last``."""

    @property
    def records(self) -> int:
        return self._scanner.records

    def feed(self, block: bytes) -> Iterator[int]:
        at = 0
        while at < len(block):
            inside = self._start + self._most_bytes - 1 - self._position
            if inside <= 0 and not self._is_full:
                # The record with the last byte within the limit of the bytes is the last one of the part.
                self._last = min(self._last, max(self._scanner.next_end, self._before + 1))
                self._is_full = True
            chunk = block[at : at + (min(inside, STEP_BYTES) if inside > 0 else STEP_BYTES)]
            used = self._scanner.scan_up_to(chunk, self._last)
            at += used
            self._position += used
            if used < len(chunk):
                self._begin_part()
                yield self._position

    def _begin_part(self) -> None:
        self._start, self._before = self._position, self._last
        self._last += self._most
        self._is_full = False

    def end(self) -> Iterator[int]:
        self._scanner.end()
        yield from ()


class BoundaryCuts(RecordCuts):
    """A finder for a format whose boundaries are found in Python. ``most`` and ``most_bytes`` limit a part."""

    def __init__(self, boundaries: Boundaries, *, most: int, most_bytes: int) -> None:
        self._boundaries = boundaries
        self._most = most
        self._most_bytes = most_bytes
        self._position = 0
        self._last = 0
        """The last boundary."""
        self._found = 0
        self._start = 0
        self._before = 0

    @property
    def records(self) -> int:
        return self._found + (self._position > self._last)

    def feed(self, block: bytes) -> Iterator[int]:
        if not block:
            return
        yield from self._cuts(self._boundaries.feed(block))
        self._position += len(block)

    def _cuts(self, boundaries: Iterator[int]) -> Iterator[int]:
        for boundary in boundaries:
            self._found += 1
            self._last = boundary
            if self._found - self._before == self._most or boundary - self._start >= self._most_bytes:
                self._start, self._before = boundary, self._found
                yield boundary

    def end(self) -> Iterator[int]:
        return self._cuts(self._boundaries.end())


class SizeCuts(RecordCuts):
    """A finder for records of ``size`` bytes. ``most`` and ``most_bytes`` limit a part."""

    def __init__(self, scanner: Scanner, size: int, *, most: int, most_bytes: int) -> None:
        self._scanner = scanner
        self._part = size * max(1, min(most, -(-most_bytes // size)))
        self._position = 0

    @property
    def records(self) -> int:
        return self._scanner.records

    def feed(self, block: bytes) -> Iterator[int]:
        self._scanner.scan(block)
        first = self._position - self._position % self._part + self._part
        self._position += len(block)
        yield from range(first, self._position + 1, self._part)

    def end(self) -> Iterator[int]:
        self._scanner.end()
        yield from ()
