"""Local files without a name, for data that a worker needs only while an attempt runs."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from kubemr_shell.command.space import watched_space
from kubemr_shell.errors import FolderRemoved, Sequel
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.waits.waiter import Cancelled


def open_unnamed(path: str) -> int:
    """Create a file, remove its name, and return its descriptor.

    A process that is killed leaves no such file behind, and no command can remove or change the file. To open the file
    again, use ``path_of_descriptor``. Raise FolderRemoved if the folder is gone, or OutOfSpace.
    """
    try:
        with watched_space(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise FolderRemoved(os.path.dirname(path), sequel=Sequel.GOES_ON) from error
    with suppress(FileNotFoundError):
        os.unlink(path)
    return descriptor


def path_of_descriptor(descriptor: int) -> str:
    """Return a path by which this process can open the file again, as long as the descriptor is open."""
    return f"/proc/self/fd/{descriptor}"


class ScratchFile:
    """A file without a name, which can be opened by its ``path``.

    A write after ``remove`` raises Cancelled and changes nothing.
    """

    def __init__(self, name: str) -> None:
        """Create the file. ``name`` is an unused path, which the file has for a moment and which errors name."""
        self._name = name
        self._lock = threading.Lock()
        self._size = 0
        self._descriptor = open_unnamed(name)
        self.path = path_of_descriptor(self._descriptor)

    def reserve(self, size: int) -> int:
        """Reserve ``size`` bytes for the caller, and return their offset."""
        with self._lock:
            offset = self._size
            self._size += size
            return offset

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write all bytes at an offset. Raise Cancelled after ``remove``, and OutOfSpace."""
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
            raise explained(error, self._name, len(data)) from error

    def remove(self) -> None:
        """Release the space of the file."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
