"""The feed of a piece of an object that is read in ranges over a network.

A piece may end in the middle of a line. So its range is requested with some additional bytes, in which most lines end.
A longer line takes further requests. If records are not lines, small requests first find the boundaries at both ends of
the piece. Then one request reads the bytes between the boundaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.content_feed import feed_content
from kubemr_shell.inputs.file_kind import wide_encoding
from kubemr_shell.inputs.records.formats import looks
from kubemr_shell.job.split import Piece

FIRST_LOOK_BYTES = 64 << 10
"""The bytes after the end of a piece that are requested with the piece, because its last line may end there.

If the line does not end there, further requests follow, each for twice as many bytes.
"""
LONGEST_LOOK_BYTES = 64 << 20
"""The largest number of bytes that one further request asks for."""


class Readable(Protocol):
    """An object as it was when the job was planned."""

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to but not including ``end`` as they arrive.

        With ``end`` None, read to the end of the object.
        """
        ...


def range_of(piece: Piece, size: int) -> tuple[int, int]:
    """Return the start and the end of the range that the first request for a piece asks for.

    If the last line of the piece is not long, this request is the only one. ``size`` is the size of the object.
    """
    if piece.codec != "none" and piece.is_whole:
        return 0, size
    end = size if piece.end is None else piece.end
    if piece.exact:
        return piece.start, end
    return max(0, piece.start - 1), min(end + FIRST_LOOK_BYTES, size)


def feed_ranges(piece: Piece, file: Readable, pipe: CommandPipe, scratch: str) -> None:
    """Write the records of a piece of ``file``. Raise the errors of ``file.read`` and of the pipe.

    ``scratch`` is a folder for temporary files.
    """
    if piece.codec != "none" and not piece.is_whole:
        from kubemr_shell.inputs.blocks.piece_feed import feed_cut_piece  # noqa: PLC0415 - plan loads this module too

        feed_cut_piece(piece, file.read, pipe, is_slow=True)
    elif piece.codec != "none":
        feed_content(file.read(0, piece.size), piece, pipe, scratch, is_slow=True)
    elif pipe.takes_headers and piece.is_whole:
        _write_all(pipe.without_header(file.read(0, piece.end), piece.uri), piece, pipe, is_start=False)
    elif piece.end is None or piece.size is None:
        _write_all(file.read(piece.start, piece.end), piece, pipe, is_start=piece.start == 0)
    elif pipe.format.is_lines and not piece.exact:
        _Lines(piece, piece.end, file, pipe).feed(piece.size)
    else:
        _feed_records(piece, file, pipe)


def _feed_records(piece: Piece, file: Readable, pipe: CommandPipe) -> None:
    assert piece.end is not None
    assert piece.size is not None
    size = piece.size

    def blocks(position: int) -> Iterator[bytes]:
        for start, end in looks(position, size):
            yield from file.read(start, end)

    begin, end = pipe.format.range_of(piece, piece.end, size, blocks)
    pipe.first_record = begin
    pipe.bytes_passed += begin - piece.start
    if begin < end:
        _write_all(file.read(begin, end), piece, pipe, is_start=begin == 0)


def _write_all(chunks: Iterable[bytes], piece: Piece, pipe: CommandPipe, *, is_start: bool) -> None:
    """Write all chunks, each as it arrives. ``is_start``: whether the first chunk is the start of the object."""
    for data in chunks:
        if is_start and (encoding := wide_encoding(data)):
            pipe.begin_wide(piece.uri, encoding)
        is_start = False
        pipe.write(data)
        pipe.flush()


class _Lines:
    """A feed of the lines that begin in a piece."""

    def __init__(self, piece: Piece, end: int, file: Readable, pipe: CommandPipe) -> None:
        self._piece = piece
        self._lines = pipe.scanner
        self._position = 0
        self._end = end
        self._has_begun = piece.start == 0
        self._has_line = False
        self._file = file
        self._pipe = pipe

    def feed(self, size: int) -> None:
        """Write the lines. ``size`` is the size of the object in bytes."""
        look = FIRST_LOOK_BYTES
        self._position, stop = range_of(self._piece, size)
        while not self._is_done and self._position < stop:
            for data in self._file.read(self._position, stop):
                self._take(data)
                if self._is_done:
                    break
            look = min(look * 2, LONGEST_LOOK_BYTES)
            stop = min(stop + look, size)

    @property
    def _is_done(self) -> bool:
        return self._position >= self._end and (not self._has_line or not self._lines.missing_end)

    def _take(self, data: bytes) -> None:
        if self._position == 0 and (encoding := wide_encoding(data)):
            self._pipe.begin_wide(self._piece.uri, encoding)
        left = max(0, self._end - self._position)
        inside = data[:left]
        if not self._has_begun:
            cut = inside.find(b"\n") + 1
            self._has_begun = cut > 0
            lines = inside[cut:] if cut else b""
            self._pipe.bytes_passed += len(inside) - len(lines)
            inside = lines
        self._write(inside)
        self._position += len(data)
        if len(data) > left and not self._is_done:
            cut = data.find(b"\n", left) + 1
            self._write(data[left:cut] if cut else data[left:])

    def _write(self, lines: bytes) -> None:
        if lines:
            self._has_line = True
            self._pipe.write(lines)
            self._pipe.flush()
