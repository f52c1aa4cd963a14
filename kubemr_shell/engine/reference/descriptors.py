"""Descriptors that may block, be cancelled, fill up or lose their reader."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kubemr_shell.errors import OutOfSpace

_BUFFER_BYTES = 256 << 10


class Cancelled(Exception):
    """The cancel descriptor became readable."""


class Gate:
    """Waits until a descriptor is ready, or raises Cancelled. ``cancel_fd`` is -1 where nobody can cancel."""

    def __init__(self, fd: int, events: int, cancel_fd: int) -> None:
        self._ready = select.poll()
        self._ready.register(fd, events)
        self._cancel_fd = cancel_fd
        self._cancel = select.poll()
        if cancel_fd >= 0:
            self._ready.register(cancel_fd, select.POLLIN)
            self._cancel.register(cancel_fd, select.POLLIN)

    def wait(self) -> None:
        if any(fd == self._cancel_fd for fd, _ in self._ready.poll()):
            raise Cancelled

    def check(self) -> None:
        """Raises Cancelled if somebody cancelled; never waits."""
        if self._cancel.poll(0):
            raise Cancelled


class PipeReader:
    """Reads what is there, waiting only where a cancel is seen."""

    def __init__(self, fd: int, cancel_fd: int) -> None:
        self._fd = fd
        self._gate = Gate(fd, select.POLLIN, cancel_fd)

    def check(self) -> None:
        self._gate.check()

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end of the stream."""
        while True:
            self._gate.wait()
            try:
                return os.read(self._fd, size)
            except BlockingIOError:
                continue


class PipeWriter:
    """Collects small writes; waits for the reader only where a cancel is seen. The descriptor must not block."""

    def __init__(self, fd: int, cancel_fd: int, on_written: Callable[[int], None]) -> None:
        self._fd = fd
        self._gate = Gate(fd, select.POLLOUT, cancel_fd)
        self._on_written = on_written
        self._waiting: list[bytes] = []
        self._size = 0

    def check(self) -> None:
        self._gate.check()

    def write(self, data: bytes) -> None:
        if self._size + len(data) > _BUFFER_BYTES:
            self.flush()
        self._waiting.append(data)
        self._size += len(data)

    def flush(self) -> None:
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
    """Writes to a file from its current position in large pieces, and checks every one. ``position`` begins at 0."""

    def __init__(self, fd: int, name: str) -> None:
        self.position = 0
        self._fd = fd
        self._name = name
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if self._size + len(data) > _BUFFER_BYTES:
            self.flush()
        self._waiting.append(data)
        self._size += len(data)
        self.position += len(data)

    def flush(self) -> None:
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
    """A write after poll can still block, if it is larger than the room; so the descriptor is switched meanwhile."""
    before = os.get_blocking(fd)
    os.set_blocking(fd, False)
    try:
        yield
    finally:
        os.set_blocking(fd, before)
