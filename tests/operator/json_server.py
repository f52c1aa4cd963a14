"""A server that answers each GET as a test demands."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous

Answer = Callable[[str], object]
"""A function from a path with its query to the JSON document to send. None sends an empty answer."""


@contextmanager
def client_of_server(answer: Answer) -> Iterator[KubeClient]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answer(self.path)
            data = b"" if found is None else json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield KubeClient(anonymous(f"http://127.0.0.1:{server.server_address[1]}"), "here")
    finally:
        server.shutdown()
        server.server_close()
