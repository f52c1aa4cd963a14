"""The form of a map output in a bucket: one zstd frame for each partition of the run file that is not empty.

The frames follow each other without gaps, in the order of the partitions. Each has the size of its content in its
header and a checksum at its end, so damage is found before a record is used.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator

from kubemr_shell.errors import StorageError
from kubemr_shell.shuffle.lengths import Lengths, packed, ranges

READ_BYTES = 1 << 20
"""The bytes of one read of a run file, and of a frame."""
EXPANDED_BYTES = 256 << 10
"""The bytes that are expanded in one step."""
LEVEL = 1
"""The level of the compression."""
MOST_EXPANSION = 32 << 10
"""A block of a zstd frame has at least four bytes, and at most 128 KiB of content (RFC 8878, 3.1.1.2)."""


class DamagedFrame(Exception):
    """The bytes are not a valid frame."""


class Frames:
    """The frames of a run file. Iterating over the frames compresses them one after the other."""

    def __init__(self, descriptor: int, lengths: Lengths) -> None:
        """Make the frames of an open run file. ``lengths`` are the lengths of its partitions."""
        self._descriptor = descriptor
        self._lengths = lengths
        self._sent = array("Q")

    @property
    def lengths(self) -> Lengths:
        """Return the length of each partition's frame. All frames must have been made."""
        return packed(self._sent)

    def __iter__(self) -> Iterator[bytes]:
        from zstandard import ZstdCompressor

        compressor = ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
        for offset, stored in ranges(self._lengths):
            length = 0
            if stored:
                stream = compressor.compressobj(size=stored)
                for data in self._pieces(offset, stored):
                    length += len(piece := stream.compress(data))
                    yield piece
                length += len(piece := stream.flush())
                yield piece
            self._sent.append(length)

    def _pieces(self, offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        while offset < end:
            data = os.pread(self._descriptor, min(READ_BYTES, end - offset), offset)
            if not data:
                raise StorageError(f"a run file in the scratch folder ends at byte {offset}: somebody has cut it")
            yield data
            offset += len(data)


class Expander:
    """An expander of frames. Only one thread at a time may use an expander."""

    def __init__(self) -> None:
        import zstandard

        self._size = zstandard.frame_content_size
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor()

    def size(self, start: bytes, length: int) -> int:
        """Return the expanded size in bytes of a frame of ``length`` bytes, from the first bytes of the frame.

        DamagedFrame for a size that no such frame can have: the caller reserves this size before it reads the rest.
        """
        try:
            size: int = self._size(start)
        except self._error as error:
            raise DamagedFrame("it does not begin like a zstd frame") from error
        if size <= 0:
            raise DamagedFrame("its zstd frame does not say its size")
        if size > length * MOST_EXPANSION:
            raise DamagedFrame("its zstd frame says a size that it cannot have")
        return size

    def whole(self, frame: bytes) -> bytes:
        """Return the content of a short frame, in a third of the time that ``pieces`` needs."""
        try:
            return self._decompressor.decompress(frame, allow_extra_data=False)
        except self._error as error:
            raise DamagedFrame(f"its zstd frame is damaged ({error})") from error

    def pieces(self, size: int, source: Iterable[bytes]) -> Iterator[memoryview]:
        """Yield the content of a frame of ``size`` expanded bytes. Each piece is valid until the next piece."""
        buffer = bytearray(min(EXPANDED_BYTES, size))
        left = size
        try:
            reader = self._decompressor.stream_reader(_Readable(source), read_size=READ_BYTES)  # type: ignore[arg-type]
            while count := reader.readinto(buffer):
                left -= count
                if left < 0:
                    break
                yield memoryview(buffer)[:count]
        except self._error as error:
            raise DamagedFrame(f"its zstd frame is damaged ({error})") from error
        if left:
            raise DamagedFrame("its zstd frame does not have the bytes that it says")


class _Readable:
    """A file-like object over pieces. A piece may be longer than requested, which zstandard's reader accepts."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")
