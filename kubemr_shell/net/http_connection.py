"""HTTP requests that end when they are cancelled.

urllib handles redirects, and proxies from the environment. Only the reads of an answer differ from urllib: the socket
does not block, and a wait for the socket also watches the cancel descriptor. The connection and the TLS handshake do
block, each for at most the time-out of the connection.
"""

from __future__ import annotations

import io
import socket
import ssl
import urllib.request
from base64 import b64encode
from functools import cache, partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import Waiter

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

BUFFER_BYTES = 64 << 10
"""The size of the buffer for the bytes of an answer."""


def open_url(url: str, headers: dict[str, str], patience: Patience, waiter: Waiter) -> HTTPResponse:
    """Send a GET request and return the answer, whose body is not read yet. Raise urllib's errors, or Cancelled."""
    opener = urllib.request.OpenerDirector()
    opener.addheaders = [("User-Agent", "kubemr-shell")]
    for handler in (
        urllib.request.ProxyHandler(),
        _Handler(patience, waiter),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    response = opener.open(_request(url, headers), timeout=patience.connect)
    return cast(HTTPResponse, response)


def without_password(url: str) -> str:
    """Return the URL without the user and the password, so that a message may show it."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _request(url: str, headers: dict[str, str]) -> urllib.request.Request:
    """Return a request for the URL. Percent-encode characters that HTTP does not allow in a path, and no others."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=", errors="surrogateescape")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=?", errors="surrogateescape")
    request = urllib.request.Request(urlunsplit((parts.scheme, host, path, query, "")), headers=headers)  # noqa: S310
    if user:
        # urllib does not send this header to the host that a redirect names.
        request.add_unredirected_header("Authorization", "Basic " + b64encode(unquote_to_bytes(user)).decode())
    return request


class _Handler(urllib.request.AbstractHTTPHandler):
    def __init__(self, patience: Patience, waiter: Waiter) -> None:
        super().__init__()
        self._waiting = (patience.idle, waiter)

    def http_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(partial(_Connection, self._waiting), request)

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(partial(_SecureConnection, self._waiting), request, context=_tls_context())

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


@cache
def _tls_context() -> ssl.SSLContext:
    """Return the TLS context. It is cached, because reading the certificates of all authorities takes 20 ms."""
    context = ssl.create_default_context(cafile=_authorities())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _authorities() -> str | None:
    """Return None if the system has certificates where OpenSSL looks for them, else the file of ``certifi``."""
    places = ssl.get_default_verify_paths()
    if places.cafile or places.capath:
        return None
    import certifi

    return certifi.where()


class _Connection(HTTPConnection):
    def __init__(self, waiting: tuple[float, Waiter], host: str, **named: Any) -> None:
        super().__init__(host, **named)
        self._idle, self._waiter = waiting

    def connect(self) -> None:
        """Connect, with TLS in the secure class, and make reads from the socket cancellable."""
        super().connect()
        self.sock = cast(socket.socket, _Socket(self._connected(), self._idle, self._waiter))

    def _connected(self) -> socket.socket:
        return cast(socket.socket, self.sock)


class _SecureConnection(_Connection, HTTPSConnection):
    """A connection with TLS. An attacker who cuts it cannot make a body look complete (RFC 9112, section 9.8)."""

    def _connected(self) -> socket.socket:
        connected = super()._connected()
        connected.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # typeshed lacks it
        return connected


class _Socket:
    """The part of a socket that http.client uses. Once an answer reads from the socket, the answer closes it."""

    def __init__(self, connected: socket.socket, idle: float, waiter: Waiter) -> None:
        self._socket = connected
        self._idle = idle
        self._waiter = waiter
        self._is_lent = False

    def sendall(self, data: ReadableBuffer) -> None:
        self._socket.sendall(data)

    def makefile(self, mode: str) -> IO[bytes]:
        assert mode == "rb"
        self._is_lent = True
        self._socket.setblocking(False)
        return io.BufferedReader(_Receiver(self._socket, self._idle, self._waiter), BUFFER_BYTES)

    def close(self) -> None:
        if not self._is_lent:
            self._socket.close()


class _Receiver(io.RawIOBase):
    """A stream of the bytes of a socket. Each read can be cancelled, and times out after ``idle`` seconds."""

    def __init__(self, connected: socket.socket, idle: float, waiter: Waiter) -> None:
        super().__init__()
        self._socket = connected
        self._idle = idle
        self._waiter = waiter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while True:
            try:
                return self._socket.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._waiter.until_readable(self._socket.fileno(), self._idle)

    def close(self) -> None:
        self._socket.close()
        super().close()
