"""The HTTP server of the operator: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for the kubelet."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubemr_shell.operator.operator import Operator

TEXT_TYPE = "text/plain; charset=utf-8"
"""The content type of all other answers."""
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the text format of Prometheus."""


def serve(operator: Operator, port: int) -> ThreadingHTTPServer:
    """Start the server on all addresses, in a thread of its own, and return it. End it with ``shutdown``.

    Port 0 takes any free port. Raise OSError if the port is not free.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/metrics":
                    self._answer(200, operator.metrics_text(), METRICS_TYPE)
                case "/healthz":
                    self._answer(*((200, "ok\n") if operator.is_alive() else (503, "a loop of the operator hangs\n")))
                case "/readyz":
                    why = "\n".join(operator.silences)
                    self._answer(*((503, f"the operator does not know all jobs: {why}\n") if why else (200, "ok\n")))
                case _:
                    self._answer(404, "/metrics, /healthz, /readyz\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Write no log: probes come all the time."""

        def _answer(self, status: int, text: str | bytes, content_type: str = TEXT_TYPE) -> None:
            data = text if isinstance(text, bytes) else text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("", port), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = _listening(port)
    server.server_address = server.socket.getsockname()
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    return server


def _listening(port: int) -> socket.socket:
    """Return a socket that accepts connections by IPv6 and IPv4, or by IPv4 only if the node has no IPv6.

    The kubelet connects to the address of the pod, which is an IPv6 address in a cluster without IPv4.
    """
    try:
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError):
        return socket.create_server(("", port))
