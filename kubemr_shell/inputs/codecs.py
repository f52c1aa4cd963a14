"""The decompressors of the supported compressions. Each has the interface of the decompressors of bz2 and lzma."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

from kubemr_shell.inputs.file_kind import LZ4_MAGIC, ZSTD_MAGIC
from kubemr_shell.inputs.zstd_frame import BLOCK_HEADER_BYTES, block_of, header_of
from kubemr_shell.job.split import Codec

MOST_WINDOW_BYTES = 128 << 20
"""The largest memory in bytes that a stream may demand: enough for ``xz -9`` and ``zstd --long``."""


class Stream(Protocol):
    """A decompressor of one stream."""

    @property
    def eof(self) -> bool:
        """Return whether the end of the stream was reached."""
        ...

    @property
    def unused_data(self) -> bytes | None:
        """Return the bytes after the end of the stream."""
        ...

    @property
    def needs_input(self) -> bool:
        """Return whether ``decompress`` needs more bytes to give more output."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take the next bytes of the stream, and return up to ``max_length`` decompressed bytes."""
        ...


class _Gzip:
    """A decompressor of gzip. It keeps the input that the library has not consumed, for the next call."""

    def __init__(self) -> None:
        self._stream: Any = _gzip_library().decompressobj(16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        kept = self._stream.unconsumed_tail
        output: bytes = self._stream.decompress(kept + data if kept else data, max_length)
        self.needs_input = not self._stream.unconsumed_tail and len(output) < max_length
        return output


def _gzip_library() -> Any:
    """Return the module isal, which decompresses about twice as fast as zlib, or zlib if isal is missing."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


class _Zstd:
    """A decompressor of one frame of zstd.

    zstandard cannot limit its output, and 4 bytes of input can give 128 KiB of output. So zstandard gets its input in
    steps of at most one block, which gives at most 128 KiB.
    """

    def __init__(self) -> None:
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW_BYTES)
        self._stream = decompressor.decompressobj()
        self._steps = _ZstdSteps()
        self._data = b""
        self._position = 0
        self.eof = False
        self.unused_data = b""
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._data = self._data[self._position :] + data
            self._position = 0
        pieces: list[bytes] = []
        size = 0
        step = 1
        while size < max_length and not self.eof and (step := self._steps.next(self._data, self._position)):
            piece = self._stream.decompress(self._data[self._position : self._position + step])
            self._position += step
            pieces.append(piece)
            size += len(piece)
            self.eof = self._stream.eof
        if self.eof:
            self.unused_data = self._stream.unused_data + self._data[self._position :]
        self.needs_input = not step
        return b"".join(pieces)


class _ZstdSteps:
    """The division of a frame into steps: its header, and each block. The checksum belongs to the last block."""

    def __init__(self) -> None:
        self._left = 0
        """The bytes of the current step that are still to come."""
        self._checksum_bytes: int | None = None
        """The size of the checksum behind the last block. None before the header of the frame."""
        self._is_over = False
        """Whether no block follows, or the frame is damaged, which zstandard reports."""

    def next(self, data: bytes, position: int) -> int:
        """Return how many of the bytes from ``position`` on belong to the next step. 0: more bytes are needed."""
        if not self._left and not self._is_over:
            self._begin(data[position : position + 5])
        if self._is_over and not self._left:
            return len(data) - position
        step = min(self._left, len(data) - position)
        self._left -= step
        return step

    def _begin(self, head: bytes) -> None:
        """Begin a step, if its first bytes are there."""
        if self._checksum_bytes is None:
            if len(head) < 5:
                return
            frame = header_of(head)
            self._is_over = frame is None
            self._left, self._checksum_bytes = frame or (0, 0)
            return
        if len(head) < BLOCK_HEADER_BYTES:
            return
        block = block_of(head[:BLOCK_HEADER_BYTES])
        self._is_over = block is None or block.is_last
        if block:
            self._left = BLOCK_HEADER_BYTES + block.size + (self._checksum_bytes if block.is_last else 0)


class Skippable:
    """A decompressor that skips one skippable frame of zstd or lz4, and so returns no bytes.

    The frame has 4 bytes of magic, 4 bytes of length, and that many bytes without content.
    """

    def __init__(self) -> None:
        self._head = b""
        self._left = -1
        """The bytes that still have to be skipped; negative until the length is known."""
        self.eof = False
        self.unused_data = b""
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002 - no output, so no limit
        """Skip the bytes that belong to the frame. Return no bytes."""
        if self._left < 0:
            self._head += data
            if len(self._head) < 8:
                return b""
            self._left = int.from_bytes(self._head[4:8], "little")
            data = self._head[8:]
        skipped = min(self._left, len(data))
        self._left -= skipped
        self.eof = not self._left
        self.unused_data = data[skipped:]
        return b""


def _bzip2() -> Stream:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Stream:
    import lzma

    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MOST_WINDOW_BYTES)


def _lzma() -> Stream:
    import lzma

    return lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=MOST_WINDOW_BYTES)


def _lz4() -> Stream:
    import lz4.frame

    stream: Any = lz4.frame.LZ4FrameDecompressor()
    return stream  # type: ignore[no-any-return]


STREAMS: dict[Codec, Callable[[], Stream]] = {
    "gzip": _Gzip,
    "bzip2": _bzip2,
    "xz": _xz,
    "lzma": _lzma,
    "zstd": _Zstd,
    "lz4": _lz4,
}
"""The decompressor of each compression."""
PADDED = ("gzip", "xz")
"""The compressions whose streams may be followed by zero bytes, which tapes and block devices add."""
FRAMED: dict[bytes, Codec] = {ZSTD_MAGIC: "zstd", LZ4_MAGIC: "lz4"}
"""The first bytes of the frames of the compressions that also have skippable frames."""
