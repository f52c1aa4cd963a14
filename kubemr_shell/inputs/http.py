"""Inputs behind ``http(s)://``: their size and version, and ranges of their bytes.

Every request has a range, like the probe. Some servers treat requests without a range differently: they compress the
content, or leave out the ETag. With a range, such a server sends the content as the probe has seen it. Every answer is
compared with the plan (size, version, encoding) and with its own head. So two versions are never mixed, and a body that
ends early is never taken for the whole.

If an answer is cut, the next request continues where the answer was cut. If the server cannot begin in the middle, the
bytes that were read before are skipped. A failed request is tried again within a budget, unless this cannot help.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from urllib.parse import urlsplit

from kubemr_shell.errors import InputChanged, InputNotFound, StorageUnavailable
from kubemr_shell.inputs.compression import decompressed
from kubemr_shell.inputs.file_kind import HEAD_BYTES, kind_by_name
from kubemr_shell.inputs.http_answer import Head, Version, head_of
from kubemr_shell.inputs.http_errors import NoSuchBytes, Trouble, explained, shown_url
from kubemr_shell.job.split import Codec
from kubemr_shell.net.http_connection import open_url
from kubemr_shell.waits.retry import Patience, Retries
from kubemr_shell.waits.waiter import NOBODY, Waiter

READ_BYTES = 256 << 10
"""The largest number of bytes that are read from an answer at once."""
_CODECS: dict[str, Codec] = {"": "none", "gzip": "gzip", "zstd": "zstd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """The facts that a server tells about one URL."""

    url: str
    size: int | None
    """The size in bytes; None if the server does not tell it."""
    version: Version
    has_ranges: bool
    """Whether the server answers a range with only the range."""
    head: bytes = b""
    """The first bytes that the server sends."""

    @property
    def path(self) -> str:
        """The path of the URL, without host and query."""
        return urlsplit(self.url).path

    def check_encoding(self) -> Codec:
        """Return the compression that the Content-Encoding of the answer names, though no request has asked for one.

        Raise InputNotFound for an encoding that kubemr-shell cannot decode.
        """
        encoded = _CODECS.get(self.version.encoding)
        if encoded is None:
            raise InputNotFound(
                f"{shown_url(self.url)}: the server sends the content with the encoding {self.version.encoding}, which "
                "the request does not allow and kubemr-shell cannot decode: fetch it with another tool, and name the "
                "local file"
            )
        return encoded


def probe(url: str, patience: Patience, waiter: Waiter | None = None) -> RemoteObject:
    """Ask for the first bytes of a URL. The answer tells the size, and shows whether the server supports ranges."""
    waiter = waiter or Waiter(NOBODY)
    waiter.check()

    def ask(headers: dict[str, str]) -> tuple[Head, bytes]:
        with open_url(url, headers, patience, waiter) as response:
            head = head_of(response.status, response.headers)
            first = response.read(HEAD_BYTES)
            if head.total is not None and len(first) < min(HEAD_BYTES, head.total):
                raise Trouble(f"the answer ended {min(HEAD_BYTES, head.total) - len(first)} bytes early")
            return head, first

    def ask_for_bytes() -> tuple[Head, bytes]:
        try:
            return explained(url, lambda: ask({"Range": f"bytes=0-{HEAD_BYTES - 1}"}))
        except NoSuchBytes:
            return explained(url, lambda: ask({}))  # an empty file has no first byte

    retries = Retries(patience, waiter)
    while True:
        try:
            head, first = ask_for_bytes()
        except Trouble as trouble:
            _pause(url, retries, trouble)
        else:
            return RemoteObject(
                url=url,
                size=head.total,
                version=head.version,
                has_ranges=head.is_partial and head.total is not None,
                head=first,
            )


def read_whole(url: str, patience: Patience, cancel_fd: int = NOBODY) -> bytes:
    """Return the whole content of a URL, which must fit into memory.

    Undo a compression that only the server has added. A file whose suffix names a compression stays compressed.
    """
    return b"".join(contents(url, patience, patience, cancel_fd))


def contents(url: str, patience: Patience, reading_patience: Patience, cancel_fd: int = NOBODY) -> Iterator[bytes]:
    """Return the bytes of a URL as they arrive. ``patience`` is for the probe, ``reading_patience`` for the bytes.

    Decompress the content if only the server has compressed it. If the suffix of the URL names a compression, the URL
    names a compressed file, which stays compressed.
    """
    waiter = Waiter(cancel_fd)
    remote = probe(url, patience, waiter)
    file = RemoteFile(
        url,
        size=remote.size,
        fingerprint=remote.version.fingerprint,
        patience=reading_patience,
        waiter=waiter,
    )
    data = file.read(0, remote.size)
    encoded = remote.check_encoding()
    is_packed = encoded != "none" and kind_by_name(urlsplit(url).path) == "none"
    return decompressed(data, encoded, url) if is_packed else data


class RemoteFile:
    """The content of one URL as it was when the job was planned.

    If the plan does not know the size or the version, they are taken from the first answer.
    """

    def __init__(self, url: str, *, size: int | None, fingerprint: str, patience: Patience, waiter: Waiter) -> None:
        self._url = url
        self._size = size
        self._version = Version.of_fingerprint(fingerprint)
        self._patience = patience
        self._waiter = waiter

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to but not including ``end`` as they arrive.

        With ``end`` None, read to the end of the content. Raise InputChanged if the content is not the planned one,
        InputNotFound if it cannot be read, and StorageUnavailable when the budget is used up.
        """
        retries = Retries(self._patience, self._waiter)
        position = start
        while position != end:
            try:
                answer = self._ask(position, end)
                if answer is None:
                    return
                before = position
                for data in answer.body(position, end):
                    position += len(data)
                    retries.moved()
                    yield data
                if end is None and (position == before or self._is_end(position, answer.head)):
                    return
                if end is not None and position == before:
                    raise Trouble(f"the answer ended {end - position} bytes early")
            except Trouble as trouble:
                if position and self._size is None and not self._version.is_named:
                    raise StorageUnavailable(
                        f"{shown_url(self._url)}: {trouble.reason} after {position} bytes. The server tells no size, "
                        "ETag or Last-Modified, so a further request might continue with other content: copy the "
                        "content to a file or to another server"
                    ) from trouble
                _pause(self._url, retries, trouble)

    def _is_end(self, position: int, head: Head) -> bool:
        """Return whether the content is complete at ``position``, after a complete answer to an open-ended request."""
        return position == self._size if self._size is not None else not head.is_partial

    def _ask(self, position: int, end: int | None) -> _Answer | None:
        """Send one request and return its answer, or None if the content ends at ``position``."""
        try:
            response = explained(self._url, lambda: self._open(position, end))
        except NoSuchBytes as error:
            if position and (end is not None or self._size is not None):
                raise InputChanged(
                    f"{shown_url(self._url)}: is shorter than when the job was planned (the server answered {error}): "
                    "start the job again"
                ) from error
            if position:
                return None
            response = explained(self._url, lambda: open_url(self._url, {}, self._patience, self._waiter))
        try:
            head = explained(self._url, lambda: head_of(response.status, response.headers))
            self._compare(head, position)
        except BaseException:
            response.close()
            raise
        return _Answer(self._url, response, head, self._size)

    def _open(self, position: int, end: int | None) -> HTTPResponse:
        headers = {"Range": f"bytes={position}-{'' if end is None else end - 1}"}
        if condition := self._version.condition:
            headers["If-Range"] = condition
        return open_url(self._url, headers, self._patience, self._waiter)

    def _compare(self, head: Head, position: int) -> None:
        """Raise InputChanged if the content is not the planned one, and Trouble if the answer does not tell this."""
        planned, found = self._version, head.version
        if found.encoding != planned.encoding:  # a retry may help: other machines behind this host may not encode
            raise Trouble(
                f"the server sends the content as {found.shown_encoding}, and as {planned.shown_encoding} when the "
                "job was planned"
            )
        if head.total is not None and self._size is not None:
            _compare_sizes(self._url, head.total, self._size)
        for name, before, now in (
            ("ETag", planned.etag, found.etag),
            ("Last-Modified", planned.modified, found.modified),
        ):
            if before and now and before != now:
                raise InputChanged(
                    f"{shown_url(self._url)}: changed since the job was planned ({planned.fingerprint} became "
                    f"{found.fingerprint}): start the job again"
                )
            # A server that has applied If-Range need not repeat the header that it has compared.
            if before and not now and not (head.is_partial and planned.condition):
                raise Trouble(f"the answer has no {name}, and had one before")
        if head.is_partial and head.start != position:
            raise Trouble(f"asked for byte {position}, the server sent byte {head.start}")
        self._size = head.total if self._size is None else self._size
        self._version = planned if planned.is_named else found


class _Answer:
    """An answer with the planned version of the content."""

    def __init__(self, url: str, response: HTTPResponse, head: Head, size: int | None) -> None:
        self.head = head
        self._url = url
        self._response = response
        self._size = size

    def body(self, position: int, end: int | None) -> Iterator[bytes]:
        """Yield the bytes from ``position`` to ``end`` that this answer has. Raise Trouble if its body is cut."""
        with self._response:
            at, stop = self.head.start, self.head.stop
            while end is None or at < end:
                data = self._read(stop, at)
                if not data:
                    break
                fresh = data[max(0, position - at) : None if end is None else end - at]
                at += len(data)
                if fresh:
                    yield fresh
            else:
                self._check_that_nothing_follows(at, end)
                return
        if stop is not None and at < stop:
            raise Trouble(f"the answer ended {stop - at} bytes early")
        if not self.head.is_partial:
            _compare_sizes(self._url, at, max(at, position) if self._size is None else self._size)

    def _read(self, stop: int | None, at: int) -> bytes:
        size = READ_BYTES if stop is None else min(READ_BYTES, stop - at)
        return explained(self._url, lambda: self._response.read1(size)) if size else b""

    def _check_that_nothing_follows(self, at: int, end: int | None) -> None:
        """Raise InputChanged if an answer with the whole content, but without a size, is longer than planned."""
        if self.head.stop is None and self._size is not None and end == self._size:
            _compare_sizes(self._url, at + len(self._read(None, at)), self._size)


def _compare_sizes(url: str, found: int, planned: int) -> None:
    if found != planned:
        raise InputChanged(
            f"{shown_url(url)}: has {found} bytes, and had {planned} when the job was planned: start the job again"
        )


def _pause(url: str, retries: Retries, trouble: Trouble) -> None:
    if not retries.pause(trouble.asked):
        raise StorageUnavailable(f"{shown_url(url)}: {trouble.reason}; all retries failed: try later") from trouble
