"""Checks that a tar archive was read to its real end."""

from __future__ import annotations

import tarfile
from typing import Any

END_OF_TAR = bytes(tarfile.BLOCKSIZE)
"""The block that ends an archive."""
READ_BYTES = 1 << 20
"""The bytes after the end of an archive that are read at once."""


class WatchedStream:
    """A wrapper of the stream that ``tarfile`` reads, which remembers the last bytes.

    ``tarfile`` takes any damage after the first member for the end of the archive. With the last bytes,
    ``check_end`` can tell such damage from a real end.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last: bytes | None = None
        self.seek = stream.seek
        self.tell = stream.tell
        self.close = stream.close

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the stream, as a file does."""
        self._last = self._stream.read(size)
        return self._last

    def check_end(self) -> bool:
        """Raise ValueError if no end mark follows the last member, or if the bytes after the end mark are damaged.

        The bytes after the end mark are read too, because a compressed file has its checksum there. Return whether all
        of them are zero.
        """
        if self._last not in (None, END_OF_TAR):
            raise ValueError(
                "it is truncated or damaged: the end mark after the last member is missing; make the archive again"
            )
        is_zero = True
        while data := self.read(READ_BYTES):
            is_zero = is_zero and not data.strip(b"\0")
        return is_zero


def watched(archive: tarfile.TarFile) -> WatchedStream:
    """Make an open archive read through a WatchedStream, and return this stream."""
    stream = WatchedStream(archive.fileobj)
    archive.fileobj = stream  # type: ignore[assignment]
    return stream
