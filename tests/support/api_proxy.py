"""A proxy in front of a real API server that refuses requests, cuts answers, and drops answers of applied writes.

The proxy speaks HTTP to the client and TLS to the server, with the certificates of a kubeconfig.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import urllib3

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous


class Fault(Enum):
    """A fault of a request."""

    CONFLICT = "a 409 that nobody has caused"
    THROTTLED = "429 with Retry-After, before it took effect"
    BROKEN = "500, before it took effect"
    LATE = "504, after it took effect"
    LOST = "no answer, after it took effect"
    CUT = "half of the answer"


REFUSALS = {
    Fault.CONFLICT: (409, "Conflict"),
    Fault.THROTTLED: (429, "TooManyRequests"),
    Fault.BROKEN: (500, "InternalError"),
}

Policy = Callable[[str, str], Fault | None]
"""A function from the method and the path of a request to its fault; None for no fault."""


def seeded(seed: int, share: float) -> Policy:
    """Return a policy that gives random faults to a share of the requests. Reads get no faults that concern writes."""
    chooser, lock = Random(seed), threading.Lock()

    def policy(method: str, path: str) -> Fault | None:
        with lock:
            if chooser.random() >= share:
                return None
            faults = [*Fault] if method != "GET" else [Fault.THROTTLED, Fault.BROKEN, Fault.CUT, Fault.LOST]
            return chooser.choice(faults)

    return policy


class ApiProxy:
    """A proxy that answers at ``url``. A test may change ``policy`` at any time."""

    def __init__(self, upstream: KubeClient) -> None:
        self.policy: Policy = lambda method, path: None
        self.injected: Counter[Fault] = Counter()
        self._upstream = upstream
        self._pool = upstream._connection.pool
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        answer = self._pool.request(
            method, self._upstream.server + path, headers=headers, body=body, timeout=urllib3.Timeout(30)
        )
        return answer.status, answer.data

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else None
                fault = proxy.policy(self.command, self.path)
                if fault is not None:
                    proxy.injected[fault] += 1
                if fault in REFUSALS:
                    code, reason = REFUSALS[fault]
                    return self._say(code, _status(code, reason), {"Retry-After": "1"} if code == 429 else {})
                headers = {name: self.headers[name] for name in ("Accept", "Content-Type") if self.headers[name]}
                status, data = proxy.ask(self.command, self.path, headers, body)
                if fault is Fault.LATE:
                    return self._say(504, _status(504, "Timeout"))
                self.close_connection = self.close_connection or fault in (Fault.LOST, Fault.CUT)
                return None if fault is Fault.LOST else self._say(status, data, cut=fault is Fault.CUT)

            def _say(self, status: int, data: bytes, more: dict[str, str] | None = None, *, cut: bool = False) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(more or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if cut else data)

            do_GET = do_POST = do_PATCH = do_DELETE = _pass  # noqa: N815 - the base class asks for these names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Write no log: the tests check the effects."""

        return Handler


@contextmanager
def proxy_to(upstream: KubeClient) -> Iterator[ApiProxy]:
    proxy = ApiProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()


def client_of(proxy: ApiProxy, namespace: str) -> KubeClient:
    return KubeClient(anonymous(proxy.url), namespace)


def _status(code: int, reason: str) -> bytes:
    answer: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return json.dumps({**answer, "message": f"injected: {reason}"}).encode()
