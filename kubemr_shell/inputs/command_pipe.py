"""The writing end of a command's stdin.

The kernel moves ranges of files to the pipe without a copy in this process. Small pieces are collected and written
together. The bytes of a file are scanned for records shortly after they were sent, while they are still in the
processor's cache.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.records.formats import LINE_FORMAT, RecordFormat
from kubemr_shell.inputs.records.scanners import Damage, Scanner, corrupt_input
from kubemr_shell.shown import shown
from kubemr_shell.waits.waiter import Waiter

if TYPE_CHECKING:
    from kubemr_shell.inputs.records.headers import HeaderFormat

GATHERED_BYTES = 64 << 10
"""The number of bytes from which collected pieces are written."""
STEP_BYTES = 1 << 20
"""The largest number of bytes that one step moves from a file to the pipe."""
SHORTEST_REST = 0.0001
"""The shortest rest in seconds before the next step, when the pipe was full."""
LONGEST_REST = 0.002
"""The longest rest in seconds before the next step, when the pipe was full."""


class PipeClosed(Exception):
    """The command has closed its stdin or has ended. No input is the cause of this error."""


class CommandPipe:
    """A writer to a pipe that does not block. Each wait for the reader of the pipe can be cancelled.

    A write raises PipeClosed if the command has closed its stdin, Cancelled, and CorruptInput for a record that breaks
    its format.
    """

    def __init__(
        self, fd: int, waiter: Waiter, records: RecordFormat = LINE_FORMAT, headers: HeaderFormat | None = None
    ) -> None:
        self.format = records
        """The format of the records."""
        self._header = None if headers is None else headers.of_task()
        self.bytes_fed = 0
        self.bytes_passed = 0
        """The number of bytes that the feeds have read but not written to the pipe."""
        self.first_record = 0
        """The offset of the first record of the current piece in its file, for messages about damaged records."""
        self.scanner: Scanner = records.scanner()
        """The scanner of the current piece."""
        self.records = 0
        """The number of records sent, including an unfinished last record."""
        self._records_before = 0
        """The records of the pieces before the current one."""
        self._missing_end = b""
        """The bytes that end the last record of the pieces before, if other bytes follow."""
        self._fd = fd
        self._waiter = waiter
        self._gathered: list[bytes] = []
        self._size = 0
        self._name = ""
        """The name of the file of the current piece."""
        self._origin = ""
        self._is_new_piece = False
        self._has_content = False
        self._wide = ""
        """The message about a file in UTF-16 or UTF-32, which no other file may follow, or an empty string."""
        self._pipe_bytes = _capacity(fd)
        self._rest_seconds = 0.0

    def begin_piece(self, name: str, first_record: int = 0, *, is_cut: bool = False, origin: str = "") -> None:
        """Begin a piece of the file ``name``: its bytes do not belong to an unfinished record of the piece before.

        ``first_record`` is the offset at which the piece begins. ``is_cut``: whether the file has other pieces.
        ``origin`` stands behind the name in messages about damaged records. It says what offsets count from.
        Raise CorruptInput if the piece before does not end with a whole record.
        """
        self.end_piece()
        self._missing_end = self.scanner.missing_end or self._missing_end
        self._records_before += self.scanner.records
        self.scanner = self.format.scanner_of_piece(name) if is_cut else self.format.scanner()
        self.first_record = first_record
        self._name = name
        self._origin = origin
        self._is_new_piece = True

    def end_piece(self) -> None:
        """Check that the piece ends with a whole record."""
        try:
            self.scanner.end()
        except Damage as damage:
            raise self._corrupt(damage) from damage

    def _corrupt(self, damage: Damage) -> CorruptInput:
        return corrupt_input(damage, self._name, start=self.first_record, origin=self._origin)

    def begin_wide(self, name: str, encoding: str) -> None:
        """Note that the current piece is a file of this name in UTF-16 or UTF-32.

        Such a file cannot be joined with others: its line end, and its byte order mark, have several bytes. Raise
        InputError if a command gets another file too.
        """
        self._wide = (
            f"{shown(name)}: its byte order mark says {encoding}, so it cannot share a map task with other files: "
            "set split.pack: false, or unpack it if it is in an archive"
        )
        if self._has_content:
            raise InputError(self._wide)

    @property
    def takes_headers(self) -> bool:
        """Return whether files have headers, which are no records."""
        return self._header is not None

    def without_header(self, chunks: Iterable[bytes], name: str) -> Iterable[bytes]:
        """Return the bytes of the file of the current piece without its header.

        Write the header if the command has to get it. Raise InputError and CorruptInput for a header that cannot be
        found, or that differs from the header that the command got.
        """
        if self._header is None:
            return chunks
        header, rest = self._header.format.split(chunks, name)
        if header is not None:
            self.write_header(header, name)
        return rest

    def write_header(self, header: bytes, name: str) -> None:
        """Take the header of the file of the current piece, and write it if the command has to get it."""
        assert self._header is not None
        self.first_record += len(header)
        if data := self._header.begin(header, name):
            self._gather(data)
            self._missing_end = b"" if data.endswith(b"\n") else b"\n"

    def write(self, data: bytes) -> None:
        """Write bytes. Small pieces wait until ``GATHERED_BYTES`` are collected, or for ``flush``."""
        if not data:
            return
        self._finish_record()
        self._gather(data)
        try:
            self.scanner.scan(data)
        except Damage as damage:
            raise self._corrupt(damage) from damage

    def _finish_record(self) -> None:
        if self._is_new_piece:
            if self._wide and self._has_content:
                raise InputError(self._wide)
            if self._missing_end:
                missing, self._missing_end = self._missing_end, b""
                self._gather(missing)
        self._is_new_piece = False
        self._has_content = True

    def _gather(self, data: bytes) -> None:
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= GATHERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the collected pieces to the pipe."""
        data = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        self._send(data)
        self.records = self._records_before + self.scanner.records
        self._waiter.check()

    def send_file(self, source: int, start: int, end: int) -> int:
        """Send the bytes from ``start`` up to but not including ``end`` of a file.

        Return the offset at which the transfer stopped: ``end``, or less if the file ends earlier.
        """
        if start == end:
            return end
        self._finish_record()
        self.flush()
        position = counted = start
        while position < end:
            moved = self._send_step(source, position, min(end - position, STEP_BYTES))
            if not moved:
                break
            position += moved
            if position - counted >= STEP_BYTES:
                self._scan(source, counted, position)
                counted = position
        self._scan(source, counted, position)
        return position

    def _scan(self, source: int, start: int, end: int) -> None:
        try:
            self.scanner.scan_file(source, start, end)
        except Damage as damage:
            raise self._corrupt(damage) from damage
        self.records = self._records_before + self.scanner.records
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
                # Some file systems do not support splice (FUSE with direct I/O, 9p on some kernels).
                data = os.pread(source, size, position)
                self._send(data)
                return len(data)
            else:
                self.bytes_fed += moved
                if was_full:
                    self._pace(moved)
                return moved

    def _pace(self, moved: int) -> None:
        """Adapt the rest after a full pipe, so that each step fills about a quarter of the pipe.

        Many programs read 4 KiB at a time. A step for each of their reads would cost more than the read itself.
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
