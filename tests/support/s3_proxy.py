"""A proxy in front of an S3 server that loses, cuts, refuses and counts requests and answers.

The proxy forwards all bytes unchanged, including the Host header, so signatures stay valid. A client uses the endpoint
of the proxy instead of the server's. A policy (see ``s3_faults``) chooses the fault of each request. The log has each
request before its answer is sent.
"""

from __future__ import annotations

import http.client
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from tests.support import s3_requests
from tests.support.s3_faults import Fault, Policy, nothing
from tests.support.s3_requests import Request
from tests.support.waiting import is_ready

BLOCK = 1 << 18
SERVER_SECONDS = 120
_OF_ONE_CONNECTION = ("connection", "keep-alive", "expect", "transfer-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    request: Request
    fault: Fault | None
    status: int | None
    """The status that the server has answered; None if the request did not reach the server."""
    received: int
    """Bytes of the request's body that the server was sent."""
    length: int | None
    """The length of the answer's body, if its headers state it."""


class S3Proxy:
    def __init__(self, upstream: str) -> None:
        self.policy: Policy = nothing
        self.problems: list[str] = []
        """The errors that no test asked for."""
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._log: list[Logged] = []
        self._came = 0
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def endpoint(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def log(self) -> list[Logged]:
        with self._lock:
            return list(self._log)

    def counts(self, *, billed: bool = False) -> Counter[str]:
        """Return the number of requests to the server, by operation or by the kind in which they are billed."""
        requests = [logged.request for logged in self.log if logged.status is not None]
        return Counter(request.billed if billed else request.operation for request in requests)

    def faults(self) -> Counter[str]:
        return Counter(logged.fault.name for logged in self.log if logged.fault)

    def forget(self) -> None:
        """Clear the log. The next request has the number 0."""
        with self._lock:
            self._log.clear()
            self._came = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()

    def came(self, method: str, target: str, headers: Any, port: int) -> tuple[Request, Fault | None]:
        with self._lock:
            number = self._came
            self._came += 1
        request = s3_requests.read(number, method, target, headers, port)
        return request, self.policy(request)

    def add(self, logged: Logged) -> None:
        with self._lock:
            self._log.append(logged)

    def connect(self) -> http.client.HTTPConnection:
        is_tls = self._upstream.scheme == "https"
        kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        return kind(self._upstream.hostname or "", self._upstream.port, timeout=SERVER_SECONDS)


@contextmanager
def proxying(upstream: str, policy: Policy = nothing) -> Iterator[S3Proxy]:
    proxy = S3Proxy(upstream)
    proxy.policy = policy
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
    assert not proxy.problems, f"of the proxy itself: {proxy.problems}"


class _Server(ThreadingMixIn, TCPServer):
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, owner: S3Proxy) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.owner.problems.append(f"{sys.exc_info()[1]!r}")

    def end_connections(self) -> None:
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """A connection of a client, and at most one connection to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._proxy = cast(_Server, self.server).owner
        self._server: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        self._drop_server()
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(ConnectionError, BrokenPipeError):
            super().handle()

    def handle_expect_100(self) -> bool:
        return True  # said when its body is wanted

    def _proxied(self) -> None:
        target = self.requestline.split(" ")[1]
        request, fault = self._proxy.came(self.command, target, self.headers, self.client_address[1])
        try:
            self._serve(request, target, fault)
        except (_Lost, ConnectionError):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _proxied  # noqa: N815 - their names in http.server

    def _serve(self, request: Request, target: str, fault: Fault | None) -> None:
        if fault and not fault.takes_effect and fault.received is None:
            self._note(request, fault)
            self._fail(request, fault)
            return
        sent = _Body(self._incoming())
        cut = fault.received if fault else None
        if cut is not None:
            length = int(self.headers.get("Content-Length") or 0)
            self._send_head(target)
            sent.copy(self._upstream_write, most=int(length * cut))
            self._drop_server()
            self._note(request, fault, received=sent.bytes)
            raise _Lost
        answer = self._ask(target, sent)
        length = int(answer.headers.get("Content-Length") or -1)
        self._note(request, fault, status=answer.status, received=sent.bytes, length=None if length < 0 else length)
        if fault and fault.answered is None:
            answer.read()
            self._fail(request, fault)
        else:
            self._answer(answer, fault)

    def _note(
        self,
        request: Request,
        fault: Fault | None,
        *,
        status: int | None = None,
        received: int = 0,
        length: int | None = None,
    ) -> None:
        self._proxy.add(Logged(request=request, fault=fault, status=status, received=received, length=length))

    def _fail(self, request: Request, fault: Fault) -> None:
        """Send the answer of a fault. If the fault has no answer, end the connection."""
        if fault.act:
            fault.act(request)
        if fault.status is None:
            raise _Lost
        waits = not fault.takes_effect and "100-continue" in self.headers.get("Expect", "").lower()
        if not fault.takes_effect and not waits:
            _Body(self._incoming()).copy(lambda _: None)
        code, body = fault.code, b""
        if code and self.command != "HEAD":
            body = f"<Error><Code>{code}</Code><Message>{fault.name}</Message></Error>".encode()
        self.send_response_only(fault.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        if fault.retry_after is not None:
            self.send_header("Retry-After", str(fault.retry_after))
        if waits:
            self.send_header("Connection", "close")  # sets close_connection
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _incoming(self) -> Iterator[bytes]:
        """Yield the body as it is framed, including the frames of chunks."""
        if "100-continue" in self.headers.get("Expect", "").lower():
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            yield from _chunked(cast(BinaryIO, self.rfile))
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            block = self.rfile.read1(min(left, BLOCK))
            if not block:
                raise _Lost
            left -= len(block)
            yield block

    def _ask(self, target: str, body: _Body) -> http.client.HTTPResponse:
        self._send_head(target)
        body.copy(self._upstream_write)
        assert self._server
        return self._server.getresponse()

    def _send_head(self, target: str) -> None:
        server = self._server
        if server and server.sock and is_ready(server.sock.fileno(), 0):
            self._drop_server()  # it was idle for too long
        if self._server is None:
            self._server = self._proxy.connect()
        self._server.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                self._server.putheader(name, value)
        self._server.endheaders()

    def _upstream_write(self, block: bytes) -> None:
        assert self._server
        self._server.send(block)

    def _answer(self, answer: http.client.HTTPResponse, fault: Fault | None) -> None:
        has_body = self.command != "HEAD" and answer.status not in (204, 304)
        is_chunked = has_body and answer.headers.get("Content-Length") is None
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        length = int(answer.headers.get("Content-Length") or 0) if has_body else 0
        left = int(length * fault.answered) if fault and fault.answered is not None else None
        while has_body and left != 0 and (block := answer.read1(BLOCK)):
            if left is not None:
                block = block[:left]
                left -= len(block)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if is_chunked else block)
        if fault:
            self.wfile.flush()
            self._drop_server()
            raise _Lost
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        answer.close()
        if answer.will_close:
            self._drop_server()

    def _drop_server(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in http.server
        pass


class _Lost(Exception):
    """The connection ends without an answer."""


class _Body:
    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.bytes = 0

    def copy(self, write: Callable[[bytes], None], *, most: int | None = None) -> None:
        """Write the whole body, or at most ``most`` bytes."""
        for block in self._blocks:
            kept = block if most is None else block[: most - self.bytes]
            write(kept)
            self.bytes += len(kept)
            if most is not None and self.bytes >= most:
                return


def _chunked(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the chunks of a body with their frames, and the trailer."""
    while True:
        size = stream.readline()
        if not size:
            raise _Lost
        yield size
        left = int(size.split(b";")[0], 16)
        if not left:
            break
        yield stream.read(left + 2)
    while (line := stream.readline()) not in (b"\r\n", b""):
        yield line
    yield b"\r\n"
