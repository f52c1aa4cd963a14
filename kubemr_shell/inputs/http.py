"""Inputs behind ``http(s)://``: what a server says of them, and ranges of their bytes.

An answer that is cut goes on where it stopped, and so does one from a server that cannot begin in the middle (what
was read before is skipped). What failed is tried again within a budget, unless trying again cannot help. Something
that is not what it was when the job was planned is an error: two versions are never mixed.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, InvalidURL
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from kubemr_shell.errors import InputChanged, InputNotFound, KubemrError, StorageUnavailable
from kubemr_shell.job.split import Codec
from kubemr_shell.net.http_connection import open_url, without_password
from kubemr_shell.net.retry import Patience, Retries
from kubemr_shell.net.waiting import NOBODY, Waiter
from kubemr_shell.shown import shown

READ_BYTES = 256 << 10

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_ENCODINGS: dict[str, Codec] = {"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}
_WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)
_NOT_ALLOWED = (401, 403, 407)
_RANGE_NOT_SATISFIABLE = 416

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """What a server says about one URL."""

    size: int | None
    fingerprint: str
    """``etag`` or ``modified`` and the value of that header; empty where a server gives neither."""
    has_ranges: bool
    encoding: Codec
    """The codec that the server says it used though nobody asked for one; else none."""
    path: str


class _Trouble(Exception):
    """Something that may be over soon; ``asked`` is how many seconds the server wants to be left alone."""

    def __init__(self, reason: str, asked: float = 0) -> None:
        self.reason = reason
        self.asked = asked
        super().__init__(reason)


def probe(url: str, patience: Patience, cancel_fd: int = NOBODY) -> RemoteObject:
    """Ask for the first byte: the answer tells the size, and shows whether ranges work."""
    waiter = Waiter(cancel_fd)
    waiter.check()

    def ask(headers: dict[str, str]) -> RemoteObject:
        with open_url(url, headers, patience, waiter) as response:
            return _described(url, response)

    def ask_for_a_byte() -> RemoteObject:
        try:
            return ask({"Range": "bytes=0-0"})
        except HTTPError as error:
            error.close()
            if error.code != _RANGE_NOT_SATISFIABLE:
                raise
            return ask({})  # an empty file has no first byte

    retries = Retries(patience, waiter)
    while True:
        try:
            return _explained(url, ask_for_a_byte)
        except _Trouble as trouble:
            _pause(url, retries, trouble)


def read_whole(url: str, patience: Patience, cancel_fd: int = NOBODY) -> bytes:
    """For what is small."""
    remote = probe(url, patience, cancel_fd)
    waiter = Waiter(cancel_fd)
    file = RemoteFile(url, size=remote.size, fingerprint=remote.fingerprint, patience=patience, waiter=waiter)
    return b"".join(file.read(0, remote.size))


class RemoteFile:
    """One URL, as it was when the job was planned."""

    def __init__(self, url: str, *, size: int | None, fingerprint: str, patience: Patience, waiter: Waiter) -> None:
        self._url = url
        self._size = size
        self._fingerprint = fingerprint
        self._patience = patience
        self._waiter = waiter

    def read(self, start: int, end: int | None) -> Iterator[bytes]:
        """The bytes of that range, as they come; to the end of the file when ``end`` is None."""
        retries = Retries(self._patience, self._waiter)
        position = start
        while position != end:
            try:
                for data in self._answer(position, end):
                    position += len(data)
                    retries.moved()
                    yield data
                if end is None:
                    return
                if position < end:
                    raise _Trouble(f"the answer ended {end - position} bytes early")
            except _Trouble as trouble:
                if position and self._size is None and not self._fingerprint:
                    raise StorageUnavailable(
                        f"{_shown(self._url)}: {trouble.reason} after {position} bytes, and nothing in the answer "
                        "(size, ETag, Last-Modified) shows that it could go on with the same content"
                    ) from trouble
                _pause(self._url, retries, trouble)

    def _answer(self, position: int, end: int | None) -> Iterator[bytes]:
        """One request; yields what comes of it, perhaps too little."""
        response = _explained(self._url, lambda: self._open(position, end))
        with response:
            skipped = self._begin(response, position)
            while end is None or position < end:
                data = _explained(self._url, lambda: response.read1(READ_BYTES))
                if not data:
                    return
                fresh = data[skipped:] if skipped else data
                skipped -= len(data) - len(fresh)
                if end is not None:
                    fresh = fresh[: end - position]
                if fresh:
                    position += len(fresh)
                    yield fresh

    def _open(self, position: int, end: int | None) -> HTTPResponse:
        headers: dict[str, str] = {}
        if position or end != self._size:
            headers["Range"] = f"bytes={position}-{'' if end is None else end - 1}"
            kind, _, value = self._fingerprint.partition(" ")
            if kind == "modified" or value.startswith('"'):
                headers["If-Range"] = value
        return open_url(self._url, headers, self._patience, self._waiter)

    def _begin(self, response: HTTPResponse, position: int) -> int:
        """How many bytes of the answer come before the position."""
        described = _described(self._url, response)
        if described.size is not None and self._size is not None and described.size != self._size:
            raise InputChanged(
                f"{_shown(self._url)}: has {described.size} bytes, and had {self._size} when the job was planned: "
                "start the job anew"
            )
        if self._is_other(response):
            raise InputChanged(
                f"{_shown(self._url)}: changed since the job was planned ({self._fingerprint} became "
                f"{described.fingerprint}): start the job anew"
            )
        if response.status != 206:
            return position
        first = _content_range(response)[0]
        if first != position:
            raise _Trouble(f"asked for byte {position}, the server sent byte {first}")
        return 0

    def _is_other(self, response: HTTPResponse) -> bool:
        kind, _, value = self._fingerprint.partition(" ")
        present = response.headers.get("ETag" if kind == "etag" else "Last-Modified")
        return bool(value and present) and present != value


def _described(url: str, response: HTTPResponse) -> RemoteObject:
    has_ranges = response.status == 206
    size = _content_range(response)[1] if has_ranges else _content_length(response)
    headers = response.headers
    return RemoteObject(
        size=size,
        fingerprint=_fingerprint(response),
        has_ranges=has_ranges and size is not None,
        encoding=_ENCODINGS.get(headers.get("Content-Encoding", "").lower(), "none"),
        path=urlsplit(url).path,
    )


def _fingerprint(response: HTTPResponse) -> str:
    for kind, name in (("etag", "ETag"), ("modified", "Last-Modified")):
        if value := response.headers.get(name):
            return f"{kind} {value}"
    return ""


def _content_range(response: HTTPResponse) -> tuple[int, int | None]:
    """First byte, and size of the whole."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if not match:
        raise _Trouble("a partial answer does not say which part it is")
    return int(match[1]), None if match[3] == "*" else int(match[3])


def _content_length(response: HTTPResponse) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and "Transfer-Encoding" not in response.headers else None


def _explained(url: str, ask: Callable[[], Answer]) -> Answer:
    """Whatever goes wrong is an error with a message, or a _Trouble."""
    try:
        return ask()
    except HTTPError as error:
        error.close()
        raise _of_status(url, error) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _of_connection(url, reason) from error


def _of_status(url: str, error: HTTPError) -> KubemrError | _Trouble:
    text = f"{error.code} {error.msg}".splitlines()[0]
    if error.code in _WORTH_ANOTHER_TRY:
        asked = error.headers.get("Retry-After") or ""
        return _Trouble(f"the server answered {text}", float(asked) if asked.isdecimal() else 0)
    if error.code == _RANGE_NOT_SATISFIABLE:
        return InputChanged(f"{_shown(url)}: is shorter than when the job was planned (the server answered {text})")
    if error.code in _NOT_ALLOWED:
        return InputNotFound(f"{_shown(url)}: the server answered {text}: it wants a login or a right")
    return InputNotFound(f"{_shown(url)}: the server answered {text}")


def _of_connection(url: str, reason: BaseException | str) -> KubemrError | _Trouble:
    match reason:
        case ssl.SSLCertVerificationError():
            return InputNotFound(
                f"{_shown(url)}: the server's certificate is not trusted ({reason.verify_message}): "
                "SSL_CERT_FILE can name a file of authorities to trust"
            )
        case socket.gaierror() if reason.errno != socket.EAI_AGAIN:
            return InputNotFound(f"{_shown(url)}: no such host ({reason.strerror})")
        case InvalidURL() | UnicodeError() | str():
            return InputNotFound(f"{_shown(url)}: is no URL that can be read: {reason}")
        case OSError():
            return _Trouble((reason.strerror or str(reason) or type(reason).__name__).lower())
        case HTTPException():
            return _Trouble(f"the answer was cut or makes no sense ({type(reason).__name__})")
        case _:
            return InputNotFound(f"{_shown(url)}: is no URL that can be read: {reason}")


def _pause(url: str, retries: Retries, trouble: _Trouble) -> None:
    if not retries.pause(trouble.asked):
        raise StorageUnavailable(f"{_shown(url)}: {trouble.reason}, however often it was tried") from trouble


def _shown(url: str) -> str:
    return shown(without_password(url))
