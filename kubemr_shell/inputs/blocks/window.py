"""Reads of a compressed file: a range at once, or from an offset on as far as the bytes are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from kubemr_shell.inputs.records.formats import looks
from kubemr_shell.waits.waiter import Waiter

Read: TypeAlias = Callable[[int, int], Iterator[bytes]]
"""A function that yields the bytes of a file from a start up to, not including, an end."""


def gradually(read: Read) -> Read:
    """Return a function that reads a range by growing requests, because its caller may stop early."""

    def read_looks(start: int, end: int) -> Iterator[bytes]:
        for first, last in looks(start, end):
            yield from read(first, last)

    return read_looks


KEPT_BYTES = 1 << 20
"""The bytes behind a place in a window that a walk keeps."""


class Source(Protocol):
    """The bytes of a file at any offset."""

    def at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes at an offset; fewer at the end of the file."""
        ...


class SeekableFile(Source):
    """A file of which a few bytes at any offset can be read at low cost."""

    def __init__(self, read: Read, size: int, waiter: Waiter) -> None:
        self._read = read
        self._size = size
        self._waiter = waiter

    def at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes at an offset; fewer at the end of the file. Raise Cancelled."""
        self._waiter.check()
        return b"".join(self._read(offset, min(offset + count, self._size)))


class Window(Source):
    """The bytes of a file from ``start`` on. They are read when they are needed."""

    def __init__(self, read: Read, start: int, size: int) -> None:
        """Make an empty window. ``size`` is the size of the file."""
        self.start = start
        self.data = bytearray()
        self._read = read
        self._size = size
        self._chunks = read(start, size)

    def has(self, count: int) -> bool:
        """Read until the window has ``count`` bytes. Return whether the file has so many."""
        while len(self.data) < count:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self.data += chunk
        return True

    def at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes at an offset in the window; fewer at the end of the file."""
        self.has(offset + count)
        return bytes(self.data[offset : offset + count])

    def drop(self, count: int) -> None:
        """Forget the first bytes of the window."""
        del self.data[:count]
        self.start += count

    def skip(self, count: int) -> None:
        """Read and forget bytes, without keeping many of them at once."""
        while count > 0 and self.has(1):
            step = min(count, len(self.data))
            self.drop(step)
            count -= step

    def from_offset(self, offset: int) -> Window:
        """Return an empty window on the bytes of the same file from an offset in this window on."""
        return Window(self._read, self.start + offset, self._size)


class Walk(Source):
    """The bytes of a window from a place on, for a reader whose offsets seldom decrease.

    The first KEPT_BYTES bytes behind the place stay in the window, where the next walk finds them. The bytes behind
    them are read again and forgotten, so the memory does not depend on the length of the walk.
    """

    def __init__(self, window: Window, place: int) -> None:
        """Make a walk. Offsets in the walk are offsets in the window."""
        self._window = window
        self._kept_end = place + KEPT_BYTES
        self._ahead: Window | None = None

    def at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes at an offset; fewer at the end of the file.

        Behind the kept bytes, the offset must not be less than that of the last call.
        """
        if offset + count <= self._kept_end:
            return self._window.at(offset, count)
        if self._ahead is None:
            self._ahead = self._window.from_offset(offset)
        skipped = self._window.start + offset - self._ahead.start
        assert skipped >= 0
        self._ahead.skip(skipped)
        return self._ahead.at(0, count)
