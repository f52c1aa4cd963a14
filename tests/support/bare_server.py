"""A server that answers as an API server without our kinds of objects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


class Bare(BaseHTTPRequestHandler):
    """A handler that answers as an API server for an unknown API group."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b"404 page not found\n"
        self.send_response(404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - the base class names them so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        """Write no log."""


@pytest.fixture
def bare_server() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Bare)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
