"""Tests of a watch whose consumer is slower than the API server."""

from __future__ import annotations

import json
import select
import socket
import threading

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.kube.watch import watch
from tests.support.waiting import is_ready, until

CHANGES = 2000
BLOCKED_SECONDS = 0.2
"""The seconds after which a blocked write shows that the client has stopped to read."""


class Eager:
    """A server that sends changes as fast as they are read."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.has_sent_all = threading.Event()
        self.is_blocked = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for number in range(CHANGES):
                document = {"metadata": {"name": str(number), "resourceVersion": "5"}, "text": "x" * (1 << 16)}
                try:
                    self._send(connection, json.dumps({"type": "ADDED", "object": document}).encode() + b"\n")
                except OSError:
                    return
            self.has_sent_all.set()

    def _send(self, connection: socket.socket, line: bytes) -> None:
        connection.setblocking(False)
        while line:
            if not is_ready(connection.fileno(), BLOCKED_SECONDS, select.POLLOUT):
                self.is_blocked.set()
                continue
            line = line[connection.send(line) :]


def test_changes_that_nobody_takes_stay_at_the_server() -> None:
    """Otherwise, an operator that falls behind would hold all changes in memory. A pod takes about 12 KB."""
    server, stop = Eager(), threading.Event()
    client = KubeClient(anonymous(f"http://127.0.0.1:{server.listener.getsockname()[1]}"), "here")
    changes = watch(client, JOBS, "here", since="1", seconds=60, stop=stop)
    try:
        assert next(changes)[1]["metadata"]["name"] == "0"
        until(lambda: server.is_blocked.is_set() or server.has_sent_all.is_set(), "the server has sent what it can")
        assert not server.has_sent_all.is_set()
        assert next(changes)[1]["metadata"]["name"] == "1"
    finally:
        changes.close()  # type: ignore[attr-defined]
        server.listener.close()
