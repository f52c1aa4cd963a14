"""One part of an upload while it is gathered and sent: in memory while it is small, else in a file."""

from __future__ import annotations

import mmap
import os
import tempfile

from kubemr_shell.storage.local import write_all
from kubemr_shell.storage.os_errors import explained

MOST_IN_MEMORY_BYTES = 8 << 20
"""A larger part is gathered in a file, so that memory does not follow the size of the output."""


class Part:
    """The bytes of one part, which has room for ``limit`` of them."""

    def __init__(self, limit: int, scratch: str | None) -> None:
        """``scratch`` is a local folder for a file without a name; None keeps a part of any size in memory."""
        self.size = 0
        self._limit = limit
        self._scratch = scratch or ""
        self._memory = bytearray()
        self._file = -1
        if scratch is not None and limit > MOST_IN_MEMORY_BYTES:
            self._file = self._opened()

    @property
    def room(self) -> int:
        """How many bytes are missing until it is full."""
        return self._limit - self.size

    def add(self, data: memoryview) -> None:
        """Append bytes that it has room for; OutOfSpace where the disk is full."""
        if self._file >= 0:
            write_all(self._file, data, self._scratch)
        else:
            self._memory += data
        self.size += len(data)

    def body(self) -> bytearray | mmap.mmap:
        """Return all bytes, as the body of a request that can be sent more than once."""
        return self._memory if self._file < 0 else mmap.mmap(self._file, self.size, prot=mmap.PROT_READ)

    def close(self) -> None:
        """Let go of the bytes."""
        self._memory = bytearray()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _opened(self) -> int:
        try:
            descriptor, path = tempfile.mkstemp(dir=self._scratch, prefix="upload-")
            os.unlink(path)
        except OSError as error:
            raise explained(error, self._scratch) from error
        return descriptor
