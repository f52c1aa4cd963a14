"""The records of the S3 objects of a split.

Long pieces are read by several requests at once (``net.s3_read``). Of short ones, that are read whole, the next few are
fetched while one is fed: a split may have a thousand, and a store takes tens of milliseconds for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from kubemr_shell.errors import InputError, InputNotFound, ObjectNotFound, StorageError
from kubemr_shell.inputs.command_pipe import CommandPipe
from kubemr_shell.inputs.range_feed import feed_ranges
from kubemr_shell.job.split import Piece
from kubemr_shell.net.retry import Patience
from kubemr_shell.net.s3_client import S3Client, client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_read import read_range
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.net.waiting import Waiter

SHORT_BYTES = 1 << 20
SHORT_AHEAD = 8
"""Of these objects; together no more than the memory that a reader may use."""


class ObjectFeed:
    """Feeds the pieces of one split that are objects of S3, in their order."""

    def __init__(
        self, pieces: Sequence[Piece], config: S3Config, *, patience: Patience, cancel_fd: int, memory: int
    ) -> None:
        self._client = client_for(config)
        self._patience = patience
        self._cancel_fd = cancel_fd
        self._memory = memory
        self._short = iter([piece for piece in pieces if _is_short(piece)])
        self._ahead: deque[Future[bytes]] = deque()
        self._pool = ThreadPoolExecutor(max(1, min(SHORT_AHEAD, memory // SHORT_BYTES)))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def feed(self, piece: Piece, pipe: CommandPipe) -> None:
        """InputNotFound, InputChanged and InputError name the object."""
        object_ = _Object(self._client, piece, self._patience, self._cancel_fd, self._memory)
        feed_ranges(piece, _Fetched(self._next_short()) if _is_short(piece) else object_, pipe)

    def _next_short(self) -> bytes:
        while len(self._ahead) < SHORT_AHEAD and (piece := next(self._short, None)) is not None:
            object_ = _Object(self._client, piece, self._patience, self._cancel_fd, self._memory)
            self._ahead.append(self._pool.submit(object_.whole))
        return self._ahead.popleft().result()


class _Object:
    """One object, as it was when the job was planned."""

    def __init__(self, client: S3Client, piece: Piece, patience: Patience, cancel_fd: int, memory: int) -> None:
        self._client = client
        self._piece = piece
        self._patience = patience
        self._cancel_fd = cancel_fd
        self._memory = memory

    def whole(self) -> bytes:
        return b"".join(self.read(0, self._piece.size))

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        assert end is not None
        _, _, etag = self._piece.fingerprint.partition(" ")
        try:
            yield from read_range(
                self._client,
                self._piece.uri,
                start,
                end,
                if_match=etag or None,
                waiter=Waiter(self._cancel_fd),
                patience=self._patience,
                memory=self._memory,
            )
        except ObjectNotFound as error:
            raise InputNotFound(
                f"{error}; it was there when the job was planned: put it back, or start the job anew"
            ) from error
        except StorageError as error:
            raise InputError(str(error)) from error


class _Fetched:
    """An object that was read already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        yield self._content[start:end]


def _is_short(piece: Piece) -> bool:
    is_whole = piece.start == 0 and piece.end in (None, piece.size)
    return is_s3(piece.uri) and is_whole and piece.size is not None and piece.size <= SHORT_BYTES
