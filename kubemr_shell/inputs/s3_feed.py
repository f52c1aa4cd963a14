"""The feed of the S3 objects of a split.

Several requests at the same time read a long piece (``net.s3_read``). Short objects are read whole. While the feed
writes one short object, the next few are fetched: a split may have a thousand of them, and S3 takes tens of
milliseconds for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

from kubemr_shell.errors import InputError, InputNotFound, ObjectNotFound, StorageError
from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.range_feed import feed_ranges
from kubemr_shell.inputs.s3_listing import check_encoding
from kubemr_shell.job.split import Piece
from kubemr_shell.net.s3_client import S3Client, client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_read import read_range
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.threads import Crew, Promise
from kubemr_shell.waits.waiter import Waiter

SHORT_BYTES = 1 << 20
"""The size in bytes up to which an object is short."""
SHORT_AHEAD = 8
"""The number of short objects that are fetched ahead. Fewer are fetched at the same time if the memory is smaller."""


class ObjectFeed:
    """A feed of the pieces of one split that are S3 objects, in their order."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        config: S3Config,
        *,
        patience: Patience,
        cancel_fd: int,
        memory: int,
        scratch: str,
    ) -> None:
        self._client = client_for(config)
        self._patience = patience
        self._cancel_fd = cancel_fd
        self._memory = memory
        self._scratch = scratch
        self._short = iter([piece for piece in pieces if _is_short(piece)])
        self._ahead: deque[Promise[bytes]] = deque()
        self._crew = Crew(max(1, min(SHORT_AHEAD, memory // SHORT_BYTES)))

    def close(self) -> None:
        """Abandon the objects that are being fetched ahead."""
        self._crew.close()

    def feed(self, piece: Piece, pipe: CommandPipe) -> None:
        """Write the records of a piece.

        Raise InputNotFound, InputChanged or InputError, which name the object. Raise PipeClosed and Cancelled.
        """
        waiter = Waiter(self._cancel_fd)
        is_ahead = _is_short(piece)
        file = _Fetched(self._next_short(waiter)) if is_ahead else self._object(piece, waiter)
        feed_ranges(piece, file, pipe, self._scratch)

    def _next_short(self, waiter: Waiter) -> bytes:
        while len(self._ahead) < SHORT_AHEAD and (piece := next(self._short, None)) is not None:
            self._ahead.append(self._crew.submit(partial(self._whole, piece)))
        return self._ahead.popleft().result(waiter)

    def _whole(self, piece: Piece, waiter: Waiter) -> bytes:
        return b"".join(self._object(piece, waiter).read(0, piece.size))

    def _object(self, piece: Piece, waiter: Waiter) -> S3Object:
        return S3Object(self._client, piece, self._patience, waiter, self._memory)


class S3Object:
    """An S3 object as it was when the job was planned."""

    def __init__(self, client: S3Client, piece: Piece, patience: Patience, waiter: Waiter, memory: int) -> None:
        self._client = client
        self._piece = piece
        self._patience = patience
        self._waiter = waiter
        self._memory = memory

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        """Yield the bytes of a range as they arrive. Raise InputNotFound, InputChanged or InputError, and Cancelled."""
        assert end is not None
        _, _, etag = self._piece.fingerprint.partition(" ")
        try:
            yield from read_range(
                self._client,
                self._piece.uri,
                start,
                end,
                if_match=etag or None,
                waiter=self._waiter,
                patience=self._patience,
                memory=self._memory,
                check_answer=check_encoding(self._piece.uri) if self._piece.codec != "none" else lambda _: None,
            )
        except ObjectNotFound as error:
            raise InputNotFound(
                f"{error}; it was there when the job was planned: put it back, or start the job again"
            ) from error
        except StorageError as error:
            raise InputError(str(error)) from error


class _Fetched:
    """An object that was fetched already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        yield self._content[start:end]


def _is_short(piece: Piece) -> bool:
    return is_s3(piece.uri) and piece.is_whole and piece.size is not None and piece.size <= SHORT_BYTES
