"""Feeds a whole object whose first bytes show whether it is plain, compressed, or an archive."""

from __future__ import annotations

from collections.abc import Iterable

from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.file_kind import wide_encoding
from kubemr_shell.inputs.unpacking import unpacked
from kubemr_shell.job.split import Piece


def feed_content(
    chunks: Iterable[bytes], piece: Piece, pipe: CommandPipe, scratch: str, *, is_slow: bool = False
) -> None:
    """Write all files in an object, and a missing end of a record between them. ``chunks`` are the bytes of the object.

    With ``is_slow``, each chunk is passed on at once. Use this for bytes from a network. Raise InputError and the
    errors of the pipe.
    """
    for file in unpacked(chunks, piece.uri, scratch=scratch):
        pipe.begin_piece(file.name)
        if encoding := wide_encoding(file.head):
            pipe.begin_wide(file.name, encoding)
        for data in pipe.without_header(file.chunks, file.name):
            pipe.write(data)
            if is_slow:
                pipe.flush()
