"""The feed of a piece of a compressed file that was cut at its blocks.

The bytes of a file that are decompressed from a block on show where the first record behind the start of the block
begins. Both readers beside a cut search from the same block on, so they find the same record. The reader of the piece
before the cut decompresses further blocks until its last record ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kubemr_shell.inputs.blocks.block_files import BlockFile
from kubemr_shell.inputs.blocks.window import Read
from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.records.boundaries import LONGEST_HEAD
from kubemr_shell.job.split import Piece

MOST_KEPT_BYTES = 4 << 20
"""The most decompressed bytes that are kept after the search for a record. Further ones are decompressed again."""


def feed_cut_piece(piece: Piece, read: Read, pipe: CommandPipe, *, is_slow: bool = False) -> None:
    """Write the records of a piece. ``read`` yields the compressed bytes of a range of the file.

    With ``is_slow``, each chunk is passed on at once. Use this for bytes from a network. Raise CorruptInput if the file
    is damaged, and the errors of ``read`` and of the pipe.
    """
    assert piece.size is not None
    end = piece.size if piece.end is None else piece.end
    file = BlockFile(read, codec=piece.codec, size=piece.size, name=piece.uri)
    inside = _Content(lambda: file.content(piece.start, end))
    behind = _Content(lambda: file.content(end, piece.size or 0, is_read_whole=False))
    if piece.start:
        pipe.begin_piece(piece.uri, is_cut=True, origin=f", decompressed from byte {piece.start} on")
    begin = _first_record(piece, inside, behind, pipe)
    if begin is None:
        return
    pipe.first_record = begin
    position = 0
    for chunk in inside:
        _write(chunk[max(0, begin - position) :], pipe, is_slow=is_slow)
        position += len(chunk)
    if end == piece.size:
        return
    last = pipe.format.first_boundary(behind)
    begin, position = max(0, begin - position), 0
    for chunk in behind:
        stop = len(chunk) if last is None else last - position
        _write(chunk[max(0, begin - position) : max(0, stop)], pipe, is_slow=is_slow)
        position += len(chunk)
        if last is not None and position >= last:
            return


def _first_record(piece: Piece, inside: _Content, behind: _Content, pipe: CommandPipe) -> int | None:
    """Return the offset of the first record of a piece in its content, or None if the piece has no record."""
    if not piece.start:
        return 0
    size = 0
    lookback = pipe.format.lookback

    def chunks() -> Iterator[bytes]:
        nonlocal size
        for chunk in inside:
            pipe.bytes_passed += len(chunk)
            size += len(chunk)
            yield chunk
        left = LONGEST_HEAD + lookback
        for chunk in behind:
            yield chunk
            left -= len(chunk)
            if pipe.format.is_local and left <= 0:
                return

    begin = pipe.format.first_boundary(chunks())
    # The next piece finds the same record if the bytes that prove its start lie in the next piece.
    is_of_next = pipe.format.is_local and begin is not None and begin >= size + lookback
    return None if is_of_next else begin


def _write(data: bytes, pipe: CommandPipe, *, is_slow: bool) -> None:
    if data:
        pipe.write(data)
        if is_slow:
            pipe.flush()


class _Content:
    """The decompressed bytes of a range, which can be iterated several times.

    The first MOST_KEPT_BYTES bytes are decompressed once, and further ones with each iteration that reaches them.
    """

    def __init__(self, content: Callable[[], Iterator[bytes]]) -> None:
        self._content = content
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._live: Iterator[bytes] | None = None
        """The chunks behind the kept ones, unless an iteration has taken some of them."""

    def __iter__(self) -> Iterator[bytes]:
        for number in range(len(self._kept)):
            yield self._kept[number]
        live = self._live or self._behind_kept()
        self._live = None
        for chunk in live:
            if self._kept_bytes + len(chunk) > MOST_KEPT_BYTES:
                yield chunk
                break
            self._kept.append(chunk)
            self._kept_bytes += len(chunk)
            self._live = live
            yield chunk
            self._live = None
        else:
            self._live = live  # which has ended
        yield from live

    def _behind_kept(self) -> Iterator[bytes]:
        left = self._kept_bytes
        for chunk in self._content():
            if len(chunk) > left:
                yield chunk[left:]
            left = max(0, left - len(chunk))
