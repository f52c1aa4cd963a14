"""The records of a piece of something behind a URL."""

from __future__ import annotations

from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.compression import decompressed
from kubemr_shell.inputs.http import RemoteFile
from kubemr_shell.job.split import Piece
from kubemr_shell.net.retry import Patience
from kubemr_shell.net.waiting import Waiter

FIRST_LOOK_BYTES = 64 << 10
"""Asked for beyond the end of a piece, where its last line may end; then twice as much, and so on."""
LONGEST_LOOK_BYTES = 64 << 20


def feed_url(piece: Piece, pipe: CommandPipe, waiter: Waiter, patience: Patience) -> None:
    file = RemoteFile(piece.uri, size=piece.size, fingerprint=piece.fingerprint, patience=patience, waiter=waiter)
    if piece.codec != "none":
        for data in decompressed(file.read(0, piece.size), piece.codec, piece.uri):
            pipe.write(data)
    elif _feed_lines(piece, file, pipe) and piece.end is not None and piece.size is not None:
        _feed_to_end_of_line(file, piece.end, piece.size, pipe)


def _feed_lines(piece: Piece, file: RemoteFile, pipe: CommandPipe) -> bool:
    """What stands in the piece, from the first line that begins in it; whether there was one."""
    has_begun = piece.start == 0
    has_line = False
    for data in file.read(max(0, piece.start - 1), piece.end):
        cut = 0 if has_begun else data.find(b"\n") + 1
        has_begun = has_begun or cut > 0
        lines = data[cut:] if has_begun else b""
        pipe.bytes_passed += len(data) - len(lines)
        if lines:
            has_line = True
            pipe.write(lines)
            pipe.flush()
    return has_line


def _feed_to_end_of_line(file: RemoteFile, position: int, size: int, pipe: CommandPipe) -> None:
    look = FIRST_LOOK_BYTES
    while not pipe.ends_line and position < size:
        end = min(position + look, size)
        for data in file.read(position, end):
            cut = data.find(b"\n") + 1
            pipe.write(data[:cut] if cut else data)
            pipe.flush()
            if cut:
                break
        position = end
        look = min(look * 2, LONGEST_LOOK_BYTES)
