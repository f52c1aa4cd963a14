"""Reads of ranges of an object, with several requests in flight. A request that is cut continues where it was cut.

Several threads read the pieces of a long range, because one connection is rarely as fast as the network. The bytes are
returned in order. A cancel takes effect at once: a thread that waits for its connection ends later, by the time-out of
the connection, and no caller waits for this thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kubemr_shell.errors import InputChanged, KubemrError, PreconditionFailed
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_errors import Trouble, given_up, of_failure
from kubemr_shell.net.s3_range import bytes_before
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.shown import shown
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.retry import READING_PATIENCE, Patience, Retries
from kubemr_shell.waits.waiter import NOBODY, Cancelled, Waiter

PIECE_BYTES = 8 << 20
"""The bytes that one request reads. A request costs about 2 ms of processor time, both sides together."""
PIECES_AHEAD = 3
"""The number of requests in flight at the same time."""
SMALLEST_PIECE_BYTES = 256 << 10
"""The bytes that one request reads at least, however small the memory is."""
CHUNK_BYTES = 1 << 20
"""The bytes that are read from a connection, and returned, in one step."""


def read_range(
    client: S3Client,
    uri: str,
    start: int,
    end: int,
    *,
    if_match: str | None = None,
    waiter: Waiter | None = None,
    patience: Patience = READING_PATIENCE,
    memory: int = PIECES_AHEAD * PIECE_BYTES,
    check_answer: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Generator[bytes]:
    """Yield the bytes from ``start`` up to but not including ``end``, in chunks as they arrive.

    The object must have all of these bytes. Raise InputChanged if ``if_match`` is given and the object now has another
    ETag. Closing the iterator abandons the requests in flight. ``memory`` limits the bytes that are held here; at least
    three times 256 KiB are used. ``check_answer`` is called with the head of each answer, by several threads; its
    errors are raised.
    """
    waiter = waiter or Waiter(NOBODY)
    piece_bytes = _piece_bytes(memory)
    source = _Source(client=client, uri=uri, if_match=if_match, patience=patience, check_answer=check_answer)
    pieces: deque[_Piece] = deque()
    position = start
    try:
        while position < end or pieces:
            while position < end and len(pieces) < PIECES_AHEAD:
                stop = end if end - position <= piece_bytes + _short(piece_bytes) else position + piece_bytes
                pieces.append(_Piece(source, position, stop))
                position = stop
            yield from pieces[0].chunks(waiter)
            pieces.popleft().close()
    finally:
        for piece in pieces:
            piece.close()


def request_count(start: int, end: int, memory: int = PIECES_AHEAD * PIECE_BYTES) -> int:
    """Return the number of requests that a range takes if no request fails."""
    piece_bytes = _piece_bytes(memory)
    return max(int(end > start), -(-(end - start - _short(piece_bytes)) // piece_bytes))


def _piece_bytes(memory: int) -> int:
    return max(SMALLEST_PIECE_BYTES, min(PIECE_BYTES, memory // PIECES_AHEAD))


def _short(piece_bytes: int) -> int:
    """Return the size up to which a last piece is read together with the piece before it."""
    return piece_bytes // 8


class _Body(Protocol):
    def read(self, amt: int) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The object that is read."""

    client: S3Client
    uri: str
    if_match: str | None
    patience: Patience
    check_answer: Callable[[Mapping[str, Any]], None]


class _Piece:
    """A range that a thread of its own reads with one request, or more if the answer is cut."""

    def __init__(self, source: _Source, start: int, end: int) -> None:
        self._source = source
        self._position = start
        self._end = end
        self._was_cut = False
        self._chunks: deque[bytes | BaseException | None] = deque()
        self._ready = Flag()
        self._abandoned = Flag()
        threading.Thread(target=self._read, daemon=True).start()

    def chunks(self, waiter: Waiter) -> Iterator[bytes]:
        """Yield the bytes of the range as they arrive. Raise the error of the thread."""
        while True:
            waiter.until_readable(self._ready.fd)
            self._ready.clear()
            while self._chunks:
                chunk = self._chunks.popleft()
                if chunk is None:
                    return
                if isinstance(chunk, BaseException):
                    raise chunk
                yield chunk

    def close(self) -> None:
        """Cancel the thread."""
        self._abandoned.set()

    def _put(self, chunk: bytes | BaseException | None) -> None:
        self._chunks.append(chunk)
        self._ready.set()

    def _read(self) -> None:
        try:
            self._read_all(Waiter(self._abandoned.fd))
            self._put(None)
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises the error
            self._put(error)

    def _read_all(self, waiter: Waiter) -> None:
        retries = Retries(self._source.patience, waiter)
        while self._position < self._end:
            trouble = self._read_some(waiter, retries)
            if trouble is not None:
                self._was_cut = True
                if not retries.pause(trouble.asked):
                    raise given_up(trouble, self._source.uri, self._source.patience.budget)

    def _read_some(self, waiter: Waiter, retries: Retries) -> Trouble | None:
        """Send one request and read its answer. Return None, or the reason why the answer was cut."""
        body, before = self._open(waiter)
        try:
            while before and (skipped := body.read(min(CHUNK_BYTES, before))):
                waiter.check()
                before -= len(skipped)
            while self._position < self._end:
                waiter.check()
                data = body.read(min(CHUNK_BYTES, self._end - self._position))
                if not data:
                    return Trouble(reason=f"the answer ended {self._end - self._position} bytes early")
                self._position += len(data)
                retries.moved()
                self._put(data)
        except (Cancelled, MemoryError):
            raise
        except Exception as error:  # urllib3 and http.client have many kinds of errors
            problem = of_failure(error, self._source.uri, self._source.client.config.advice)
            if problem is None:
                raise
            if isinstance(problem, KubemrError):
                raise problem from error
            return problem
        finally:
            body.close()
        return None

    def _open(self, waiter: Waiter) -> tuple[_Body, int]:
        """Return the body of an answer, and the number of its bytes that come before the position."""
        bucket, key = split_uri(self._source.uri)
        condition = {} if self._source.if_match is None else {"IfMatch": self._source.if_match}
        try:
            answer = self._source.client.call(
                "get_object",
                uri=self._source.uri,
                patience=self._source.patience,
                waiter=waiter,
                again=self._was_cut,
                Bucket=bucket,
                Key=key,
                Range=f"bytes={self._position}-{self._end - 1}",
                **condition,
            )
        except PreconditionFailed as error:
            raise self._changed() from error
        body: _Body = answer["Body"]
        try:
            if self._source.if_match not in (None, answer.get("ETag")):  # the server may ignore If-Match
                raise self._changed()
            self._source.check_answer(answer)
            return body, bytes_before(answer, self._position, self._source.uri)
        except KubemrError:
            body.close()
            raise

    def _changed(self) -> InputChanged:
        return InputChanged(f"{shown(self._source.uri)}: changed since the job was planned: start the job again")
