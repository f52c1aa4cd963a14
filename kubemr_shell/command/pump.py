"""Moving bytes beside the thread that watches the command, and the drain that moves them into a file.

Feeds and drains block without holding the interpreter's lock, so each needs a thread of its own; the threads live
as long as the slot does, because starting two for every attempt costs more than a short command.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from kubemr_shell.command.cancel import Cancel
from kubemr_shell.storage.os_errors import explained

STEP_BYTES = 1 << 20
SHORT_BYTES = 64 << 10
REST_SECONDS = 0.0005
"""After a short step the pipe is empty. Many programs write 4 KiB at a time, and a wake-up for each costs more."""
_CANNOT_SPLICE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})

Move = Callable[[int, int], object]
"""Moves bytes through a descriptor to its end, or until the second one, a cancel descriptor, is readable."""


class Counting(Protocol):
    """Something that counts the bytes that it moves."""

    @property
    def moved(self) -> int:
        """Bytes so far; any thread may ask."""
        ...


class Flow(Counting, Protocol):
    """A move that counts its bytes, so that others can see that it goes on."""

    def __call__(self, descriptor: int, cancel: int, /) -> object: ...


@dataclass(frozen=True, slots=True)
class CountedMove(Flow):
    """A method of an object that counts the bytes, such as ``drain`` of an ``engine.Collector``."""

    move: Move
    counter: Counting

    @property
    def moved(self) -> int:
        return self.counter.moved

    def __call__(self, descriptor: int, cancel: int, /) -> object:
        return self.move(descriptor, cancel)


class Pump:
    """A thread that carries out one move at a time."""

    def __init__(self, name: str) -> None:
        self.done_fd = os.eventfd(0, os.EFD_CLOEXEC)
        """Readable when the move has come to its end."""
        self.error: BaseException | None = None
        self.is_running = False
        self._stop = Cancel()
        self._moves: SimpleQueue[tuple[Move, int] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def start(self, move: Move, descriptor: int) -> None:
        self.error = None
        self.is_running = True
        self._moves.put((move, descriptor))

    def stop(self) -> None:
        """Ask the move to end; ``done_fd`` says when it has."""
        if self.is_running:
            self._stop.set()

    def finish(self) -> None:
        """Wait for the end of the move, and be ready for the next one."""
        os.eventfd_read(self.done_fd)
        self._stop.clear()
        self.is_running = False

    def abort(self) -> None:
        """Stop, and wait until nothing is moved any more."""
        if self.is_running:
            self._stop.set()
            self.finish()

    def close(self) -> None:
        self.abort()
        self._moves.put(None)
        self._thread.join()
        os.close(self.done_fd)
        self._stop.close()

    def _work(self) -> None:
        while (item := self._moves.get()) is not None:
            move, descriptor = item
            try:
                move(descriptor, self._stop.fd)
            except BaseException as error:  # noqa: BLE001 - it is for the thread that waits
                self.error = error
            os.eventfd_write(self.done_fd, 1)


class SpliceDrain:
    """Moves a command's stdout into a file, without copying it where the file system allows that."""

    def __init__(self, out_fd: int) -> None:
        self.moved = 0
        self._out_fd = out_fd
        self._step = self._splice

    def __call__(self, descriptor: int, cancel: int) -> None:
        """Move everything up to the end of the pipe, which must not block. OutOfSpace, StorageError name the file."""
        path = os.readlink(f"/proc/self/fd/{self._out_fd}")
        try:
            self._move(descriptor, cancel)
        except OSError as error:
            raise explained(error, f"the output of the command in {path}") from error

    def _move(self, descriptor: int, cancel: int) -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(cancel, select.POLLIN)
        while not any(ready == cancel for ready, _ in poll.poll()):
            try:
                count = self._step(descriptor)
            except BlockingIOError:
                continue
            if not count:
                return
            if count < SHORT_BYTES:
                time.sleep(REST_SECONDS)

    def _splice(self, descriptor: int) -> int:
        try:
            count = os.splice(descriptor, self._out_fd, STEP_BYTES, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
        except OSError as error:
            if error.errno not in _CANNOT_SPLICE:
                raise
            self._step = self._copy
            return self._copy(descriptor)
        self.moved += count
        return count

    def _copy(self, descriptor: int) -> int:
        """For files that cannot be spliced into: those that only append, and some file systems."""
        data = os.read(descriptor, STEP_BYTES)
        left = memoryview(data)
        while left:
            count = os.write(self._out_fd, left)
            self.moved += count
            left = left[count:]
        return len(data)
