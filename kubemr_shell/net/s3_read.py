"""Ranges of an object: several requests in flight, in order, each resumed where it was cut.

A long range is read in pieces by threads of its own, since one connection is rarely as fast as the line. A cancel is
seen at once; a thread that hangs in a connection then ends by that connection's time-out, and holds nobody up.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

from kubemr_shell.errors import InputChanged, KubemrError, PreconditionFailed
from kubemr_shell.net.retry import READING_PATIENCE, Patience, Retries
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_errors import Trouble, given_up, of_failure
from kubemr_shell.net.s3_range import bytes_before
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.net.waiting import NOBODY, Bell, Cancelled, Waiter
from kubemr_shell.shown import shown

PIECE_BYTES = 8 << 20
"""Of one request. A request costs some 2 ms of a processor on both sides together."""
PIECES_AHEAD = 3
"""In flight at once."""
SMALLEST_PIECE_BYTES = 256 << 10
CHUNK_BYTES = 1 << 20


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
) -> Generator[bytes]:
    """The bytes from ``start`` up to but not including ``end``, which the object must have, in chunks as they come.

    ``if_match`` is the ETag that the object had; with another one now it is InputChanged. Closing the iterator
    gives up what is in flight. ``memory`` is how many bytes may be held here, but three times 256 KiB at least.
    """
    waiter = waiter or Waiter(NOBODY)
    piece_bytes = _piece_bytes(memory)
    source = _Source(client=client, uri=uri, if_match=if_match, patience=patience)
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
    """How many requests a range takes when nothing goes wrong."""
    piece_bytes = _piece_bytes(memory)
    return max(int(end > start), -(-(end - start - _short(piece_bytes)) // piece_bytes))


def _piece_bytes(memory: int) -> int:
    return max(SMALLEST_PIECE_BYTES, min(PIECE_BYTES, memory // PIECES_AHEAD))


def _short(piece_bytes: int) -> int:
    """What is no request of its own, but read with the piece before it."""
    return piece_bytes // 8


class _Body(Protocol):
    def read(self, amt: int) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    client: S3Client
    uri: str
    if_match: str | None
    patience: Patience


class _Piece:
    """One range, read by a thread of its own."""

    def __init__(self, source: _Source, start: int, end: int) -> None:
        self._source = source
        self._position = start
        self._end = end
        self._was_cut = False
        self._chunks: deque[bytes | BaseException | None] = deque()
        self._ready = Bell()
        self._abandoned = Bell()
        threading.Thread(target=self._read, daemon=True).start()

    def chunks(self, waiter: Waiter) -> Iterator[bytes]:
        """What has been read, as it comes."""
        while True:
            waiter.until_readable(self._ready.fd)
            self._ready.silence()
            while self._chunks:
                chunk = self._chunks.popleft()
                if chunk is None:
                    return
                if isinstance(chunk, BaseException):
                    raise chunk
                yield chunk

    def close(self) -> None:
        """Nobody wants it any more."""
        self._abandoned.ring()

    def _put(self, chunk: bytes | BaseException | None) -> None:
        self._chunks.append(chunk)
        self._ready.ring()

    def _read(self) -> None:
        try:
            self._read_all(Waiter(self._abandoned.fd))
            self._put(None)
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 - it is for the thread that waits
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
        """One request; why it gave too little."""
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
        except Exception as error:  # urllib3 and http.client have many
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
        """The body of an answer, and how many bytes of it come before the position."""
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
            if self._source.if_match not in (None, answer.get("ETag")):  # a server that does not heed If-Match
                raise self._changed()
            return body, bytes_before(answer, self._position, self._source.uri)
        except KubemrError:
            body.close()
            raise

    def _changed(self) -> InputChanged:
        return InputChanged(f"{shown(self._source.uri)}: changed since the job was planned: start the job anew")
