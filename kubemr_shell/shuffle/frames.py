"""Map outputs as they are sent: a zstd frame for each partition of a run file that is not empty.

The frames follow each other without gaps, in the order of the partitions. Each has the size of its contents in its
header and a checksum at its end, so damage shows before a record is used.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator

from kubemr_shell.errors import StorageError
from kubemr_shell.shuffle.lengths import Lengths, packed, ranges

READ_BYTES = 1 << 20
EXPANDED_BYTES = 256 << 10
LEVEL = 1


class DamagedFrame(Exception):
    """The bytes are no frame of ours."""


class Frames:
    """The frames of a run file, made as they are asked for."""

    def __init__(self, descriptor: int, lengths: Lengths) -> None:
        """``lengths`` are those of the partitions in the run file."""
        self._descriptor = descriptor
        self._lengths = lengths
        self._sent = array("Q")

    @property
    def lengths(self) -> Lengths:
        """The length of each partition's frame, once all frames were made."""
        return packed(self._sent)

    def __iter__(self) -> Iterator[bytes]:
        from zstandard import ZstdCompressor  # noqa: PLC0415 - 20 ms that a local job need not pay

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
    """Expands frames, one after the other; not for two threads at once."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - as above

        self._size = zstandard.frame_content_size
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor()

    def size(self, start: bytes) -> int:
        """How many bytes a frame is expanded, by its first bytes."""
        try:
            size: int = self._size(start)
        except self._error as error:
            raise DamagedFrame("it does not begin like a zstd frame") from error
        if size <= 0:
            raise DamagedFrame("its zstd frame does not say its size")
        return size

    def whole(self, frame: bytes) -> bytes:
        """The contents of a short frame: a third of the time that ``pieces`` takes for it."""
        try:
            return self._decompressor.decompress(frame, allow_extra_data=False)
        except self._error as error:
            raise DamagedFrame(f"its zstd frame is damaged ({error})") from error

    def pieces(self, size: int, source: Iterable[bytes]) -> Iterator[memoryview]:
        """The contents of a frame of ``size`` expanded bytes, piece by piece; each is valid until the next one."""
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
    """Pieces as something to read from; a piece may be longer than what was asked for, which the reader accepts."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")
