"""A local file that several threads fill, each at its own place."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from kubemr_shell.command.space import watched_space
from kubemr_shell.net.waiting import Cancelled
from kubemr_shell.storage.os_errors import explained


class ScratchFile:
    """``path`` is new. After ``remove`` a write that comes late raises Cancelled, and touches nothing."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._size = 0
        with watched_space(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def reserve(self, size: int) -> int:
        """The offset of so many bytes that are the caller's to write."""
        with self._lock:
            offset = self._size
            self._size += size
            return offset

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        with self._lock:
            if self._descriptor < 0:
                raise Cancelled
            count = self._write(offset, data)
            if count < len(data):
                left = memoryview(data)
                while count < len(left):
                    count += self._write(offset + count, left[count:])

    def _write(self, offset: int, data: bytes | memoryview) -> int:
        try:
            return os.pwrite(self._descriptor, data, offset)
        except OSError as error:
            raise explained(error, self.path, len(data)) from error

    def remove(self) -> None:
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                with suppress(FileNotFoundError):  # with the worker's whole folder
                    os.unlink(self.path)
