"""Threads that move the bytes of a command, and the drain that moves its stdout into a file.

Feeds and drains block without the interpreter's lock, so each needs a thread apart from the thread that watches the
command. The threads live as long as the slot: starting two threads for every attempt costs more than a short command.
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

from kubemr_shell.storage.os_errors import explained
from kubemr_shell.waits.flag import Flag

STEP_BYTES = 1 << 20
"""The most bytes that one step moves."""
SHORT_BYTES = 64 << 10
"""A step below this number of bytes is short: the pipe is then empty."""
REST_SECONDS = 0.0005
"""The pause after a short step. Many programs write 4 KiB at a time, and a wake-up for each write costs more."""
_CANNOT_SPLICE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})

Move = Callable[[int, int], object]
"""A function of a descriptor and a cancel descriptor. It moves bytes until the end, or until a cancel is readable."""


class Counting(Protocol):
    """An object that counts the bytes that it moves."""

    @property
    def moved(self) -> int:
        """Return the bytes moved so far. Any thread may call this."""
        ...


class Flow(Counting, Protocol):
    """A move that counts its bytes, so that another thread can see its progress."""

    def __call__(self, descriptor: int, cancel: int, /) -> object:
        """Move bytes through ``descriptor`` to its end, or until ``cancel`` is readable."""
        ...


@dataclass(frozen=True, slots=True)
class CountedMove(Flow):
    """A flow made of a method and the object that counts its bytes, such as ``drain`` of an ``engine.Collector``."""

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
        self.ended = Flag()
        """The flag that is set when the move has ended."""
        self.error: BaseException | None = None
        self.is_running = False
        self._stop = Flag()
        self._moves: SimpleQueue[tuple[Move, int] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def start(self, move: Move, descriptor: int) -> None:
        """Begin a move in the thread of the pump, and return at once."""
        self.error = None
        self.is_running = True
        self._moves.put((move, descriptor))

    def stop(self) -> None:
        """Ask the move to end. ``ended`` is set when the move has ended."""
        if self.is_running:
            self._stop.set()

    def finish(self) -> None:
        """Wait for the end of the move, and make the pump ready for the next move."""
        self.ended.wait()
        self.ended.clear()
        if self._stop.is_set():  # saves a system call for each command
            self._stop.clear()
        self.is_running = False

    def abort(self) -> None:
        """Stop the move if one is running, and wait for its end."""
        if self.is_running:
            self._stop.set()
            self.finish()

    def close(self) -> None:
        """Stop the move, end the thread and close the descriptors."""
        self.abort()
        self._moves.put(None)
        self._thread.join()
        self.ended.close()
        self._stop.close()

    def _work(self) -> None:
        while (item := self._moves.get()) is not None:
            move, descriptor = item
            try:
                move(descriptor, self._stop.fd)
            except BaseException as error:  # noqa: BLE001 - the thread that waits handles the error
                self.error = error
            self.ended.set()


class SpliceDrain:
    """A flow that moves a command's stdout into a file, without a copy if the file system supports splice(2)."""

    def __init__(self, out_fd: int) -> None:
        self.moved = 0
        self._out_fd = out_fd
        self._step = self._splice

    def __call__(self, descriptor: int, cancel: int) -> None:
        """Move all bytes up to the end of the pipe, whose descriptor must not block.

        Raise OutOfSpace or StorageError, with the path of the file, if the file cannot be written.
        """
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
        """Move one piece by read and write. Append-only files and some file systems do not support splice."""
        data = os.read(descriptor, STEP_BYTES)
        left = memoryview(data)
        while left:
            count = os.write(self._out_fd, left)
            self.moved += count
            left = left[count:]
        return len(data)
