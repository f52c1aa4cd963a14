"""The writing end of a command's stdin.

Ranges of files go through the kernel without a copy here; what is small is gathered. Newlines are counted while the
pages that were just sent are still in the processor's cache.
"""

from __future__ import annotations

import errno
import fcntl
import os

from kubemr_shell import engine
from kubemr_shell.net.waiting import Waiter

GATHERED_BYTES = 64 << 10
STEP_BYTES = 1 << 20
SHORTEST_REST = 0.0001
LONGEST_REST = 0.002


class PipeClosed(Exception):
    """The command has closed its stdin, or has ended: an error of this pipe alone, never of an input."""


class CommandPipe:
    """Writes to a pipe that does not block; waits for its reader only where a cancel is seen. Raises PipeClosed."""

    def __init__(self, fd: int, waiter: Waiter) -> None:
        self.bytes_fed = 0
        self.bytes_passed = 0
        """Read by those who write here, and not written."""
        self.ends_line = True
        """Whether what was written last, if anything, ends with a newline."""
        self._newlines = 0
        self._fd = fd
        self._waiter = waiter
        self._gathered: list[bytes] = []
        self._size = 0
        self._is_new_piece = False
        self._pipe_bytes = _capacity(fd)
        self._rest_seconds = 0.0

    @property
    def records(self) -> int:
        """Lines sent, an unfinished last one included."""
        return self._newlines + (not self.ends_line)

    def begin_piece(self) -> None:
        """What comes next, if anything, does not belong to the line that was left unfinished."""
        self._is_new_piece = True

    def write(self, data: bytes) -> None:
        """Small pieces wait for ``flush``, or for more."""
        if not data:
            return
        self._finish_line()
        self.ends_line = data.endswith(b"\n")
        self._gather(data)

    def _finish_line(self) -> None:
        if self._is_new_piece and not self.ends_line:
            self._gather(b"\n")
        self._is_new_piece = False

    def _gather(self, data: bytes) -> None:
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= GATHERED_BYTES:
            self.flush()

    def flush(self) -> None:
        data = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        self._send(data)
        self._newlines += data.count(b"\n")
        self._waiter.check()

    def send_file(self, source: int, start: int, end: int) -> int:
        """Send that range of a file; where it stopped, which is earlier when the file ended. ``write`` must follow."""
        if start == end:
            return end
        self._finish_line()
        self.flush()
        position = counted = start
        while position < end:
            moved = self._send_step(source, position, min(end - position, STEP_BYTES))
            if not moved:
                break
            position += moved
            if position - counted >= STEP_BYTES:
                self._count(source, counted, position)
                counted = position
        self._count(source, counted, position)
        return position

    def _count(self, source: int, start: int, end: int) -> None:
        self._newlines += engine.count_lines(source, start, end - start)
        self._waiter.check()

    def _send_step(self, source: int, position: int, size: int) -> int:
        was_full = False
        while True:
            try:
                moved = os.sendfile(self._fd, source, position, size)
            except BlockingIOError:
                was_full = True
                self._waiter.rest(self._rest_seconds)
                self._waiter.until_writable(self._fd)
            except BrokenPipeError as error:
                raise PipeClosed from error
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOSYS):
                    raise
                # Some file systems cannot splice (FUSE with direct I/O, 9p on some kernels).
                data = os.pread(source, size, position)
                self._send(data)
                return len(data)
            else:
                self.bytes_fed += moved
                if was_full:
                    self._pace(moved)
                return moved

    def _pace(self, moved: int) -> None:
        """How long to rest when the pipe is full again, so that each step fills about a quarter of it.

        Many programs read 4 KiB at a time: a step for each of them costs more than their reading does.
        """
        if moved < self._pipe_bytes // 8:
            self._rest_seconds = min(max(2 * self._rest_seconds, SHORTEST_REST), LONGEST_REST)
        elif moved > self._pipe_bytes // 2:
            self._rest_seconds /= 2

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                moved = os.write(self._fd, left)
            except BlockingIOError:
                self._waiter.until_writable(self._fd)
            except BrokenPipeError as error:
                raise PipeClosed from error
            else:
                self.bytes_fed += moved
                left = left[moved:]


def _capacity(fd: int) -> int:
    try:
        return fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
    except OSError:  # not a pipe
        return GATHERED_BYTES
