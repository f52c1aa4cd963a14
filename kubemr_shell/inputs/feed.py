"""The records of one split, written to a command's stdin.

A line belongs to the piece in which it begins. So a piece that begins in the middle of a file skips to the first line
that begins in it, and goes on past its end until its last line is complete; a piece in which no line begins is
only searched. Where one piece of a split follows another, a missing last newline is added between them, and nowhere
else.
"""

from __future__ import annotations

import os

from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.file_feed import feed_file
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.retry import READING_PATIENCE, Patience
from kubemr_shell.net.waiting import Cancelled, Waiter


class SplitFeed:
    """Feeds one split to one command. A ``uri`` without a scheme is a file, relative to ``folder``."""

    def __init__(self, split: Split, *, folder: str, patience: Patience = READING_PATIENCE) -> None:
        self._split = split
        self._folder = folder
        self._patience = patience
        self._pipe: CommandPipe | None = None

    @property
    def bytes_fed(self) -> int:
        return self._pipe.bytes_fed if self._pipe else 0

    @property
    def records_fed(self) -> int:
        """Lines, an unfinished last one included; about so many when the command stopped reading."""
        return self._pipe.records if self._pipe else 0

    @property
    def moved(self) -> int:
        """For progress, also from another thread: bytes fed, and bytes passed over in search of a line."""
        return self._pipe.bytes_fed + self._pipe.bytes_passed if self._pipe else 0

    def __call__(self, fd: int, cancel_fd: int) -> None:
        """``fd`` must not block. Ends quietly when it is cancelled, or when the command stops reading."""
        waiter = Waiter(cancel_fd)
        self._pipe = pipe = CommandPipe(fd, waiter)
        try:
            for piece in self._split.pieces:
                pipe.begin_piece()
                self._feed(piece, pipe, waiter)
            pipe.flush()
        except (BrokenPipeError, Cancelled):
            return  # a command's exit status says whether it was right to stop reading

    def _feed(self, piece: Piece, pipe: CommandPipe, waiter: Waiter) -> None:
        if piece.uri.lower().startswith(("http://", "https://")):
            from kubemr_shell.inputs.url_feed import feed_url  # noqa: PLC0415 - 40 ms that most jobs need not pay

            feed_url(piece, pipe, waiter, self._patience)
        else:
            feed_file(piece, os.path.join(self._folder, piece.uri), pipe, waiter)
