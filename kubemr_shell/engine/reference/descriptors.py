"""Readers and writers of pipes and files that can wait, be cancelled, run out of space, or lose their reader."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kubemr_shell.errors import OutOfSpace

_BUFFER_BYTES = 256 << 10


class Cancelled(Exception):
    """The error that is raised when the cancel descriptor is readable."""


class Gate:
    """A wait for a descriptor that can be cancelled. With ``cancel_fd`` -1 the wait cannot be cancelled."""

    def __init__(self, fd: int, events: int, cancel_fd: int) -> None:
        self._ready = select.poll()
        self._ready.register(fd, events)
        self._cancel_fd = cancel_fd
        self._cancel = select.poll()
        if cancel_fd >= 0:
            self._ready.register(cancel_fd, select.POLLIN)
            self._cancel.register(cancel_fd, select.POLLIN)

    def wait(self) -> None:
        """Wait until the descriptor is ready. Raise Cancelled if the cancel descriptor is readable."""
        if any(fd == self._cancel_fd for fd, _ in self._ready.poll()):
            raise Cancelled

    def check(self) -> None:
        """Raise Cancelled if the cancel descriptor is readable. Never wait."""
        if self._cancel.poll(0):
            raise Cancelled


class PipeReader:
    """A reader of a pipe whose waits can be cancelled."""

    def __init__(self, fd: int, cancel_fd: int) -> None:
        self._fd = fd
        self._gate = Gate(fd, select.POLLIN, cancel_fd)

    def check(self) -> None:
        """Raise Cancelled if the cancel descriptor is readable."""
        self._gate.check()

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, and no bytes at the end of the stream. Raise Cancelled."""
        while True:
            self._gate.wait()
            try:
                return os.read(self._fd, size)
            except BlockingIOError:
                continue


class PipeWriter:
    """A buffered writer to a pipe whose waits can be cancelled. The descriptor must not block.

    ``on_written`` is called with the number of bytes of each write.
    """

    def __init__(self, fd: int, cancel_fd: int, on_written: Callable[[int], None]) -> None:
        self._fd = fd
        self._gate = Gate(fd, select.POLLOUT, cancel_fd)
        self._on_written = on_written
        self._waiting: list[bytes] = []
        self._size = 0

    def check(self) -> None:
        """Raise Cancelled if the cancel descriptor is readable."""
        self._gate.check()

    def write(self, data: bytes) -> None:
        """Buffer bytes. Write the buffer first if it is full."""
        if self._size + len(data) > _BUFFER_BYTES:
            self.flush()
        self._waiting.append(data)
        self._size += len(data)

    def flush(self) -> None:
        """Write the buffer. Raise Cancelled, or BrokenPipeError if the reader is gone."""
        left = memoryview(b"".join(self._waiting))  # a single piece, such as one long line, is not copied
        self._waiting.clear()
        self._size = 0
        while left:
            self._gate.wait()
            try:
                done = os.write(self._fd, left)
            except BlockingIOError:
                continue
            self._on_written(done)
            left = left[done:]


class FileWriter:
    """A buffered writer to a file, from the current position of its descriptor. Raises OutOfSpace.

    ``position`` is the number of bytes taken so far. ``name`` names the file in errors.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.position = 0
        self._fd = fd
        self._name = name
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Buffer bytes. Write the buffer first if it is full."""
        if self._size + len(data) > _BUFFER_BYTES:
            self.flush()
        self._waiting.append(data)
        self._size += len(data)
        self.position += len(data)

    def flush(self) -> None:
        """Write the buffer. Raise OutOfSpace if the disk is full."""
        left = memoryview(b"".join(self._waiting))  # a single piece, such as one long line, is not copied
        self._waiting.clear()
        self._size = 0
        while left:
            left = left[self._write_some(left) :]

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except OSError as error:
            if not OutOfSpace.is_cause(error):
                raise
            raise OutOfSpace(f"{self._name}: {error.strerror}: make room") from error


@contextmanager
def without_blocking(fd: int) -> Iterator[None]:
    """Make a descriptor non-blocking during the block.

    A write after poll(2) can still block if the pipe has less room than the write has bytes.
    """
    before = os.get_blocking(fd)
    os.set_blocking(fd, False)
    try:
        yield
    finally:
        os.set_blocking(fd, before)
