"""The feed of a piece of a local file.

The kernel moves uncompressed bytes from the file to the pipe, except for the end of the last line, which the feed has
to find. The feed compares the file with the plan before and after the read. A file that has changed since is an error,
because the command may have received a mixture of two versions. A file that has only grown is read up to its size in
the plan.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from kubemr_shell.errors import InputChanged, InputError, InputNotFound
from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.file_kind import wide_encoding
from kubemr_shell.inputs.growth import has_grown, size_and_time
from kubemr_shell.job.split import Piece
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import fingerprint
from kubemr_shell.waits.waiter import Waiter

SMALL_BYTES = 64 << 10
"""The largest file that is read and collected with others, which is cheaper than a transfer by the kernel for each."""
READ_BYTES = 256 << 10
"""The bytes of a compressed file that are read at once."""
FIRST_LOOK_BYTES = 4 << 10
"""The bytes that are read first in search of the end of a line. Each further block is twice as large."""
LONGEST_LOOK_BYTES = 1 << 20
"""The largest block that is read in search of the end of a line."""


def feed_file(piece: Piece, path: str, pipe: CommandPipe, waiter: Waiter, scratch: str, *, notices: list[str]) -> None:
    """Write the records of a piece of the file at ``path``. ``scratch`` is a folder for temporary files.

    Add to ``notices`` a sentence for the user if the file has grown since the plan.

    Raise InputNotFound if the file is gone, InputChanged if it has changed since the plan, and InputError if it cannot
    be read. Raise PipeClosed and Cancelled.
    """
    with open_planned(piece, path, notices) as source:
        _Source(piece, source, pipe, waiter).feed(scratch)


@contextmanager
def open_planned(piece: Piece, path: str, notices: list[str]) -> Iterator[int]:
    """Open the file of a piece, and yield its descriptor. Compare the file with the plan now and after its use.

    A file that has grown is no error, and adds a sentence to ``notices``: read no more than the size of the piece.

    Raise the errors that ``feed_file`` names.
    """
    source = _open(piece, path)
    try:
        _check(piece, source, notices)
        yield source
        _check(piece, source, notices)
    except OSError as error:
        raise InputError(f"{shown(piece.uri)}: cannot be read: {error.strerror}") from error
    finally:
        os.close(source)


def _open(piece: Piece, path: str) -> int:
    try:
        # O_NONBLOCK: if a pipe has replaced the file, do not wait for a writer of the pipe.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError as error:
        raise InputNotFound(
            f"{shown(piece.uri)}: was removed after the job was planned: put it back, or start the job again"
        ) from error
    except OSError as error:
        raise InputError(f"{shown(piece.uri)}: cannot be opened: {error.strerror}") from error


def _check(piece: Piece, source: int, notices: list[str]) -> None:
    found, planned = fingerprint(os.fstat(source)), size_and_time(piece.fingerprint)
    if found == planned:
        return
    assert piece.size is not None
    if not has_grown(piece.fingerprint, piece.size, source):
        raise InputChanged(
            f"{shown(piece.uri)}: changed since the job was planned (size and time were {planned}, "
            f"and are {found}): start the job again"
        )
    notice = f"{shown(piece.uri)}: has grown since the job was planned: only its first {piece.size} bytes are read"
    if notice not in notices:
        notices.append(notice)


class _Source:
    """An open local file, of which one piece is read."""

    def __init__(self, piece: Piece, source: int, pipe: CommandPipe, waiter: Waiter) -> None:
        self._piece = piece
        self._source = source
        self._pipe = pipe
        self._waiter = waiter
        assert piece.size is not None
        self._size = piece.size
        self._end = self._size if piece.end is None else piece.end

    def feed(self, scratch: str) -> None:
        """Write the records of the piece."""
        if self._piece.codec != "none" and not self._piece.is_whole:
            from kubemr_shell.inputs.blocks.piece_feed import feed_cut_piece

            feed_cut_piece(self._piece, self._ranges, self._pipe)
            return
        if self._piece.codec != "none":
            from kubemr_shell.inputs.content_feed import feed_content

            feed_content(self._ranges(0, self._size), self._piece, self._pipe, scratch)
            return
        is_small = self._piece.is_whole and self._size <= SMALL_BYTES
        if self._pipe.takes_headers and self._piece.is_whole:
            self._pass_header()
        if is_small:
            start = self._piece.start
            self._pipe.write(self._begun(self._read(start, self._size - start)))
        else:
            if self._piece.start == 0:
                self._begun(self._read(0, min(4, self._size)))
            if self._pipe.format.is_lines:
                self._feed_lines()
            else:
                self._feed_records()

    def _pass_header(self) -> None:
        """Let the piece begin behind the header."""
        before = self._pipe.first_record
        self._pipe.without_header(self._blocks(0, self._size, FIRST_LOOK_BYTES, LONGEST_LOOK_BYTES), self._piece.uri)
        self._piece = replace(self._piece, start=self._pipe.first_record - before)

    def _feed_records(self) -> None:
        """Let the kernel move all bytes between two boundaries of records."""

        def blocks(position: int) -> Iterator[bytes]:
            return self._blocks(position, self._size, FIRST_LOOK_BYTES, LONGEST_LOOK_BYTES)

        begin, end = self._pipe.format.range_of(self._piece, self._end, self._size, blocks)
        self._pipe.first_record = begin
        self._pipe.bytes_passed += begin - self._piece.start
        if begin < end:
            stopped = self._pipe.send_file(self._source, begin, end)
            if stopped < end:
                raise self._too_short(stopped)

    def _begun(self, head: bytes) -> bytes:
        """Return the first bytes of the records, after a look at their byte order mark."""
        if encoding := wide_encoding(head):
            self._pipe.begin_wide(self._piece.uri, encoding)
        return head

    def _feed_lines(self) -> None:
        """Feed the lines that begin in the piece.

        The kernel moves the bytes before the last byte of the piece. Then the last line is written from that byte
        on to its end, because the line may end behind the piece.
        """
        begin = self._first_line()
        if begin == self._end:
            return
        stopped = self._pipe.send_file(self._source, begin, self._end - 1)
        if stopped < self._end - 1:
            raise self._too_short(stopped)
        for block in self._blocks(self._end - 1, self._size, FIRST_LOOK_BYTES, LONGEST_LOOK_BYTES):
            cut = block.find(b"\n") + 1
            self._pipe.write(block[:cut] if cut else block)
            if cut:
                return

    def _first_line(self) -> int:
        """Return the offset of the first line that begins in this piece, or the end of the piece if there is none."""
        position = self._piece.start - 1
        if position < 0:
            return 0
        for block in self._blocks(position, self._end - 1, FIRST_LOOK_BYTES, LONGEST_LOOK_BYTES):
            cut = block.find(b"\n") + 1
            if cut:
                return position + cut
            position += len(block)
            self._pipe.bytes_passed += len(block)
        return self._end

    def _blocks(self, start: int, end: int, first: int, longest: int) -> Iterator[bytes]:
        """Yield a range of the file in blocks. Each block is twice as large as the one before, up to ``longest``."""
        size = first
        while start < end:
            self._waiter.check()
            block = self._read(start, min(size, end - start))
            yield block
            start += len(block)
            size = min(size * 2, longest)

    def _ranges(self, start: int, end: int) -> Iterator[bytes]:
        return self._blocks(start, end, READ_BYTES, READ_BYTES)

    def _read(self, start: int, size: int) -> bytes:
        data = os.pread(self._source, size, start)
        while len(data) < size:
            more = os.pread(self._source, size - len(data), start + len(data))
            if not more:
                raise self._too_short(start + len(data))
            data += more
        return data

    def _too_short(self, size: int) -> InputChanged:
        return InputChanged(
            f"{shown(self._piece.uri)}: became shorter while it was read: it ended at byte {size}, and had "
            f"{self._size} bytes when the job was planned: start the job again"
        )
