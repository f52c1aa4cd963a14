"""The records of one split, written to a command's stdin.

A line belongs to the piece in which it begins. So a piece that begins in the middle of a file skips to the first line
that begins in it, and goes on past its end until its last line is complete; a piece in which no line begins is
only searched. Where one piece of a split follows another, a missing last newline is added between them, and nowhere
else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubemr_shell.inputs.command_pipe import CommandPipe, PipeClosed
from kubemr_shell.inputs.file_feed import feed_file
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.retry import READING_PATIENCE, Patience
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.net.waiting import Cancelled, Waiter

if TYPE_CHECKING:
    from kubemr_shell.inputs.s3_feed import ObjectFeed

MOST_MEMORY = 24 << 20
"""For what was read ahead; more does not make a store faster."""


class SplitFeed:
    """Feeds one split to one command. A ``uri`` without a scheme is a file, relative to ``folder``."""

    def __init__(
        self,
        split: Split,
        *,
        folder: str,
        s3: S3Config = S3Config(),  # noqa: B008 - frozen
        memory: int = MOST_MEMORY,
        patience: Patience = READING_PATIENCE,
    ) -> None:
        """``memory`` is how many bytes that come over a network may wait here for the command."""
        self._split = split
        self._folder = folder
        self._s3 = s3
        self._memory = min(memory, MOST_MEMORY)
        self._patience = patience
        self._objects: ObjectFeed | None = None
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
                self._feed(piece, pipe, waiter, cancel_fd)
            pipe.flush()
        except (PipeClosed, Cancelled):
            return  # a command's exit status says whether it was right to stop reading
        finally:
            if self._objects is not None:
                self._objects.close()

    def _feed(self, piece: Piece, pipe: CommandPipe, waiter: Waiter, cancel_fd: int) -> None:
        if piece.uri.lower().startswith(("http://", "https://")):
            from kubemr_shell.inputs.url_feed import feed_url  # noqa: PLC0415 - 40 ms that most jobs need not pay

            feed_url(piece, pipe, waiter, self._patience)
        elif is_s3(piece.uri):
            self._object_feed(cancel_fd).feed(piece, pipe)
        else:
            feed_file(piece, os.path.join(self._folder, piece.uri), pipe, waiter)

    def _object_feed(self, cancel_fd: int) -> ObjectFeed:
        from kubemr_shell.inputs.s3_feed import ObjectFeed  # noqa: PLC0415 - only jobs with S3 pay for it

        if self._objects is None:
            self._objects = ObjectFeed(
                self._split.pieces, self._s3, patience=self._patience, cancel_fd=cancel_fd, memory=self._memory
            )
        return self._objects
