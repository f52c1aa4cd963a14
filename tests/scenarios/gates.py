"""A gate in front of a server: connections pass, or are refused while it is shut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Gate:
    """Passes connections on to a server, and refuses them while it is shut."""

    def __init__(self, endpoint: str) -> None:
        url = urlsplit(endpoint)
        self._upstream = (url.hostname or "", url.port or 80)
        self._listener = socket.create_server(("", 0))
        self._is_open = True
        self._live: set[socket.socket] = set()
        self.refused = 0
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        self._is_open = False
        for connection in list(self._live):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        self._is_open = True

    def close(self) -> None:
        self.shut()
        self._listener.close()
        for connection in list(self._live):
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self._is_open:
                    self.refused += 1
                    client.close()
                    continue
                server = socket.create_connection(self._upstream)
                self._live |= {client, server}
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def gate_to(endpoint: str) -> Iterator[Gate]:
    gate = Gate(endpoint)
    try:
        yield gate
    finally:
        gate.close()
