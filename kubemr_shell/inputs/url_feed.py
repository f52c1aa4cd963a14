"""The feed of a piece of an object behind a URL."""

from __future__ import annotations

from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.http import RemoteFile
from kubemr_shell.inputs.range_feed import feed_ranges
from kubemr_shell.job.split import Piece
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import Waiter


def feed_url(piece: Piece, pipe: CommandPipe, waiter: Waiter, patience: Patience, scratch: str) -> None:
    """Write the records of a piece. Raise the errors of ``RemoteFile.read`` and of the pipe."""
    file = RemoteFile(piece.uri, size=piece.size, fingerprint=piece.fingerprint, patience=patience, waiter=waiter)
    feed_ranges(piece, file, pipe, scratch)
