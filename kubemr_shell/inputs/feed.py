"""The feed of one split: it writes the records of the split to a command's stdin.

If records are lines, a line belongs to the piece in which the line begins. So the feed of a piece in the middle of a
file skips to the first line that begins in the piece. At the end of the piece, the feed continues until the last line
is complete. A piece in which no line begins is searched, but nothing of it is written. If a piece ends without a
newline and another piece follows, a newline is added between the two pieces. No newline is added anywhere else.

In another format, the feed of a piece searches for the first boundary between two records at the start of the piece,
and again at its end. The feed writes the records between these two boundaries. If a piece ends without the end of its
last record and another piece follows, the missing end is added between the two pieces.

A header of a file is no record. The records of a file that is cut begin behind its header, which comes from the plan.
The feed of a whole file takes the header off the bytes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubemr_shell.inputs.command_pipe import CommandPipe, PipeClosed
from kubemr_shell.inputs.file_feed import feed_file
from kubemr_shell.inputs.records.formats import LINE_FORMAT, RecordFormat
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.waits.retry import READING_PATIENCE, Patience
from kubemr_shell.waits.waiter import Cancelled, Waiter

if TYPE_CHECKING:
    from kubemr_shell.inputs.records.headers import HeaderFormat
    from kubemr_shell.inputs.s3_feed import ObjectFeed

MOST_MEMORY = 24 << 20
"""The largest number of bytes that are read ahead. More memory does not make reads from S3 faster."""


class SplitFeed:
    """A feed of one split to one command. A ``uri`` without a scheme is a file, relative to ``folder``."""

    def __init__(
        self,
        split: Split,
        *,
        folder: str,
        scratch: str,
        records: RecordFormat = LINE_FORMAT,
        headers: HeaderFormat | None = None,
        planned_header: bytes = b"",
        s3: S3Config = S3Config(),  # noqa: B008 - frozen
        memory: int = MOST_MEMORY,
        patience: Patience = READING_PATIENCE,
    ) -> None:
        """Make a feed. ``memory`` limits the bytes from a network that wait in this process for the command.

        ``scratch`` is a folder for temporary files. ``planned_header`` is the header that the plan has for the split.
        """
        self._split = split
        self._folder = folder
        self._scratch = scratch
        self._format = records
        self._headers = headers
        self._planned_header = planned_header
        self._s3 = s3
        self._memory = min(memory, MOST_MEMORY)
        self._patience = patience
        self._objects: ObjectFeed | None = None
        self._pipe: CommandPipe | None = None
        self.notices: list[str] = []
        """Sentences for the user about the inputs that were read."""

    @property
    def bytes_fed(self) -> int:
        """Return the number of bytes written to the command."""
        return self._pipe.bytes_fed if self._pipe else 0

    @property
    def records_fed(self) -> int:
        """Return the number of records written, including an unfinished last record.

        If the command stopped reading, the number is approximate.
        """
        return self._pipe.records if self._pipe else 0

    @property
    def moved(self) -> int:
        """Return the bytes fed plus the bytes skipped in search of a record. Any thread may read this progress."""
        return self._pipe.bytes_fed + self._pipe.bytes_passed if self._pipe else 0

    def __call__(self, fd: int, cancel_fd: int) -> None:
        """Write the split to ``fd``, which must not block.

        Return without an error if the feed is cancelled, or if the command stops reading.
        """
        waiter = Waiter(cancel_fd)
        self._pipe = pipe = CommandPipe(fd, waiter, self._format, self._headers)
        try:
            if self._planned_header:
                pipe.write_header(self._planned_header, self._split.pieces[0].uri)
            for piece in self._split.pieces:
                pipe.begin_piece(piece.uri, piece.start, is_cut=not piece.is_whole)
                self._feed(piece, pipe, waiter, cancel_fd)
            pipe.end_piece()
            pipe.flush()
        except (PipeClosed, Cancelled):
            return  # the exit status of the command says whether the command may stop reading
        finally:
            if self._objects is not None:
                self._objects.close()

    def _feed(self, piece: Piece, pipe: CommandPipe, waiter: Waiter, cancel_fd: int) -> None:
        if piece.uri.lower().startswith(("http://", "https://")):
            from kubemr_shell.inputs.url_feed import feed_url

            feed_url(piece, pipe, waiter, self._patience, self._scratch)
        elif is_s3(piece.uri):
            self._object_feed(cancel_fd).feed(piece, pipe)
        else:
            feed_file(piece, os.path.join(self._folder, piece.uri), pipe, waiter, self._scratch, notices=self.notices)

    def _object_feed(self, cancel_fd: int) -> ObjectFeed:
        from kubemr_shell.inputs.s3_feed import ObjectFeed

        if self._objects is None:
            self._objects = ObjectFeed(
                self._split.pieces,
                self._s3,
                patience=self._patience,
                cancel_fd=cancel_fd,
                memory=self._memory,
                scratch=self._scratch,
            )
        return self._objects
