"""Reads of a compressed file: a range at once, or from an offset on as far as the bytes are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from kubemr_shell.inputs.records.formats import looks

Read: TypeAlias = Callable[[int, int], Iterator[bytes]]
"""A function that yields the bytes of a file from a start up to, not including, an end."""


def gradually(read: Read) -> Read:
    """Return a function that reads a range by growing requests, because its caller may stop early."""

    def read_looks(start: int, end: int) -> Iterator[bytes]:
        for first, last in looks(start, end):
            yield from read(first, last)

    return read_looks


class Source(Protocol):
    """The bytes of a file at any offset."""

    def at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes at an offset; fewer at the end of the file."""
        ...


class SeekableFile(Source):
    """A file of which a few bytes at any offset can be read at low cost."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._size = size

    def at(self, offset: int, count: int) -> bytes:
        return b"".join(self._read(offset, min(offset + count, self._size)))


class Window(Source):
    """The bytes of a file from ``start`` on. They are read when they are needed."""

    def __init__(self, read: Read, start: int, size: int) -> None:
        """Make an empty window. ``size`` is the size of the file."""
        self.start = start
        self.data = bytearray()
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
