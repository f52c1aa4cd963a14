"""A part of an upload while it is collected and sent: a small part in memory, a larger part in a file."""

from __future__ import annotations

import mmap
import os
import tempfile

from kubemr_shell.storage.local import write_all
from kubemr_shell.storage.os_errors import explained

MOST_IN_MEMORY_BYTES = 8 << 20
"""The largest part that is kept in memory. A larger part is in a file, so large outputs do not need more memory."""


class Part:
    """The bytes of one part, which holds at most ``limit`` bytes."""

    def __init__(self, limit: int, scratch: str | None) -> None:
        """Make an empty part. ``scratch`` is a local folder for an unnamed file; with None, the part is in memory."""
        self.size = 0
        self._limit = limit
        self._scratch = scratch or ""
        self._memory = bytearray()
        self._file = -1
        if scratch is not None and limit > MOST_IN_MEMORY_BYTES:
            self._file = self._opened()

    @property
    def room(self) -> int:
        """Return the number of bytes that still fit into the part."""
        return self._limit - self.size

    def add(self, data: memoryview) -> None:
        """Append bytes, at most ``room``. Raise OutOfSpace if the disk is full."""
        if self._file >= 0:
            write_all(self._file, data, self._scratch)
        else:
            self._memory += data
        self.size += len(data)

    def body(self) -> bytearray | mmap.mmap:
        """Return all bytes, as the body of a request that can be sent more than once."""
        return self._memory if self._file < 0 else mmap.mmap(self._file, self.size, prot=mmap.PROT_READ)

    def close(self) -> None:
        """Release the memory or the file of the part."""
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
