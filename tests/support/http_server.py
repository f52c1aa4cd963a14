"""A real HTTP server whose answers can be cut, late, refused, or of another version than before."""

from __future__ import annotations

import gzip
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast


@dataclass
class Resource:
    """The content and the behaviour of one path. Each request takes one element from the lists."""

    content: bytes
    has_ranges: bool = True
    etag: str | None = '"1"'
    modified: str | None = None
    says_length: bool = True
    is_chunked: bool = False
    encoding: str | None = None
    statuses: list[int] = field(default_factory=list)
    """Answered instead, before anything else."""
    retry_after: str | None = None
    cuts: list[int | None] = field(default_factory=list)
    """The bytes after which each body is cut; None for a body that is not cut."""
    location: str | None = None
    hold: threading.Event | None = None
    """Half of the body is sent; the rest when this is set."""
    trickles: bool = False
    """Line ends follow the half of a body that is held, so that no client gives up. Needs ``says_length=False``."""
    first_range_only: bool = False
    """Ranges are honoured for the first request, and not again."""
    says_total: bool = True
    """Whether a ``Content-Range`` ends with the size of the whole, or with an asterisk."""
    longest_range: int | None = None
    """No answer to a range has more bytes than this."""
    packs_whole: bool = False
    """An answer without a range is compressed with gzip, though the client asked for no encoding."""
    ends_tls: bool = False
    """Whether the server says that a TLS connection ends before it closes the connection."""
    packed_answers: int = 0
    """So many answers are compressed like that, whatever was asked for."""
    status: int = 200
    """The status of an answer without a range."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of every answer, in the place of those of the same names."""


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]


class Server:
    def __init__(self, resources: dict[str, Resource], tls: ssl.SSLContext | None) -> None:
        self.resources = resources
        self.requests: list[Request] = []
        self.half_sent = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = False
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        cast(_Owned, self._server).owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        return f"{self._scheme}://{self.address}{path}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for resource in self.resources.values():
            if resource.hold:
                resource.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(resources: dict[str, Resource], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(resources, tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Owned(ThreadingHTTPServer):
    owner: Server


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        owner = cast(_Owned, self.server).owner
        owner.requests.append(Request(self.path, dict(self.headers)))
        resource = owner.resources.get(self.path)
        if resource is None:
            self._status(404)
        elif resource.location:
            self.send_response(302)
            self.send_header("Location", resource.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif resource.statuses:
            self._status(resource.statuses.pop(0), resource.retry_after)
        else:
            self._answer(resource, owner)

    def _status(self, code: int, retry_after: str | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Length", "0")
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()

    def _answer(self, resource: Resource, owner: Server) -> None:
        content = resource.content
        asked = self._asked(resource)
        if asked and asked[0] >= len(content):
            self._status(416)
            return
        body, encoding, content_range = content, resource.encoding, None
        if resource.packed_answers or (resource.packs_whole and not asked):
            resource.packed_answers = max(0, resource.packed_answers - 1)
            body, encoding, asked = gzip.compress(content), "gzip", None
        if asked:
            body = content[asked[0] : asked[1]]
            total = len(content) if resource.says_total else "*"
            self.send_response(206)
            content_range = f"bytes {asked[0]}-{asked[0] + len(body) - 1}/{total}"
        else:
            self.send_response(resource.status)
        named = {
            "Content-Range": content_range,
            "ETag": resource.etag,
            "Last-Modified": resource.modified,
            "Content-Encoding": encoding,
            "Transfer-Encoding": "chunked" if resource.is_chunked else None,
            "Content-Length": str(len(body)) if resource.says_length and not resource.is_chunked else None,
        }
        for name, value in {**named, **resource.headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._send(resource, body, owner)

    def _asked(self, resource: Resource) -> tuple[int, int] | None:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not match or not resource.has_ranges or (condition and condition not in (resource.etag, resource.modified)):
            return None
        if resource.first_range_only:
            resource.has_ranges = False
        start, end = int(match[1]), int(match[2]) + 1 if match[2] else len(resource.content)
        if resource.longest_range is not None:
            end = min(end, start + resource.longest_range)
        return start, min(end, len(resource.content))

    def _send(self, resource: Resource, body: bytes, owner: Server) -> None:
        cut = resource.cuts.pop(0) if resource.cuts and len(body) > 1 else None
        try:
            if resource.hold and len(body) > 1:
                self.wfile.write(body[: len(body) // 2])
                owner.half_sent.set()
                while not resource.hold.wait(0.02 if resource.trickles else None):  # ``stop`` ends it
                    self.wfile.write(b"\n")
                body = body[len(body) // 2 :]
            sent = body if cut is None else body[:cut]
            if resource.is_chunked:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent) if sent else b"")
                if cut is None:
                    self.wfile.write(b"0\r\n\r\n")
            else:
                self.wfile.write(sent)
            if resource.ends_tls:
                cast(ssl.SSLSocket, self.connection).unwrap()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True  # the client wanted no more

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        pass
