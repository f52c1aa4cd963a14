"""Compressed inputs: the detection of the compression, and decompression with a bounded amount of memory.

A file may hold several streams one after the other (``cat a.gz b.gz``); they are read as one. A stream that stops
early, bytes that are not a stream, and a wrong checksum are errors. The error names the file and the position in the
file. So a part of a file is never taken for the whole file. An empty file is not a compressed file.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.job.split import Codec
from kubemr_shell.shown import shown

STEP_BYTES = 1 << 20
"""The number of decompressed bytes at which one step of the decompression stops."""
MOST_WINDOW_BYTES = 128 << 20
"""The largest memory in bytes that a stream may demand: enough for ``xz -9`` and ``zstd --long``."""

_SUFFIXES: dict[str, Codec] = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}


def codec_of(name: str) -> Codec:
    """Return the compression that the suffix of a name says, in small or capital letters."""
    lower = name[-4:].lower()
    return _SUFFIXES.get(lower) or _SUFFIXES.get(lower[-3:], "none")


class _Stream(Protocol):
    """A decompressor of one stream, with the interface that the decompressors of bz2 and lzma have."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """A decompressor of gzip. It keeps the input that zlib has not consumed and hands back."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        kept = self._stream.unconsumed_tail
        output = self._stream.decompress(kept + data if kept else data, max_length)
        self.needs_input = not self._stream.unconsumed_tail and len(output) < max_length
        return output


class _Zstd:
    """A decompressor of zstd. zstandard cannot limit its output, and 4 bytes of input can give 128 KiB of output.

    So zstandard gets its input in small slices.
    """

    SLICE_BYTES = 512

    def __init__(self) -> None:
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW_BYTES)
        self._stream = decompressor.decompressobj()
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
        while size < max_length and self._position < len(self._data) and not self.eof:
            end = self._position + self.SLICE_BYTES
            piece = self._stream.decompress(self._data[self._position : end])
            self._position = end
            pieces.append(piece)
            size += len(piece)
            self.eof = self._stream.eof
        if self.eof:
            self.unused_data = self._stream.unused_data + self._data[self._position :]
        self.needs_input = self._position >= len(self._data)
        return b"".join(pieces)


def _bzip2() -> _Stream:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> _Stream:
    import lzma

    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MOST_WINDOW_BYTES)


_STREAMS: dict[Codec, Callable[[], _Stream]] = {"gzip": _Gzip, "bzip2": _bzip2, "xz": _xz, "zstd": _Zstd}
_PADDED = ("gzip", "xz")
"""The compressions whose streams may be followed by zero bytes, which tapes and block devices leave there."""


def decompressed(chunks: Iterable[bytes], codec: Codec, name: str) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, at most a few ``STEP_BYTES`` at a time.

    ``name`` is the name of the file in errors. Raise CorruptInput if the file is damaged, and InputError if this Python
    lacks the codec.
    """
    file = _CompressedFile(codec, name)
    for chunk in chunks:
        yield from file.feed(chunk)
    file.finish()


class _CompressedFile:
    def __init__(self, codec: Codec, name: str) -> None:
        self._codec = codec
        self._name = name
        self._stream: _Stream | None = None
        self._position = 0
        """The offset in the file up to which the bytes were decompressed."""
        self._stream_start = 0
        self._streams = 0
        self._has_output = False
        """Whether the current stream has given output, so its header was correct."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decompress the next bytes of the file."""
        while chunk:
            if self._stream is None:
                chunk = self._begin(chunk)
            if self._stream is not None:
                self._position += len(chunk)
                yield from self._pull(self._stream, chunk)
                chunk = self._left_over(self._stream)

    def finish(self) -> None:
        """Check at the end of the file that the file is complete and not empty."""
        if self._stream is not None:
            raise CorruptInput(
                f"{shown(self._name)}: byte {self._position}: the file ends in the middle of the {self._codec} data: "
                "it was cut; get a whole copy of it"
            )
        if not self._streams:
            raise CorruptInput(
                f"{shown(self._name)}: byte 0: the file is empty, which {self._codec} files never are: "
                "get a whole copy of it, or remove it from the inputs"
            )

    def _begin(self, chunk: bytes) -> bytes:
        """Start a stream unless only padding is left. Return the chunk without the padding before the stream."""
        if self._streams and self._codec in _PADDED:
            size = len(chunk)
            chunk = chunk.lstrip(b"\0")
            self._position += size - len(chunk)
        if chunk:
            self._stream_start = self._position
            self._streams += 1
            self._has_output = False
            try:
                self._stream = _STREAMS[self._codec]()
            except ImportError as error:
                raise InputError(
                    f"{shown(self._name)}: this Python cannot read {self._codec}: {error}: install that module, "
                    "or use another compression"
                ) from error
        return chunk

    def _pull(self, stream: _Stream, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                output = stream.decompress(data, STEP_BYTES)
            except MemoryError:
                raise
            except Exception as error:  # each codec has its own errors, and some of the modules are not imported yet
                raise self._corrupt(error) from error
            if output:
                self._has_output = True
                yield output
            if stream.eof or stream.needs_input:
                return
            data = b""

    def _corrupt(self, error: Exception) -> CorruptInput:
        if self._has_output:
            return CorruptInput(
                f"{shown(self._name)}: before byte {self._position}: the {self._codec} data is damaged ({error}): "
                "get a whole copy of it"
            )
        advice = (
            "if the file is not compressed, set decompress: none"
            if self._streams == 1
            else "other bytes follow the compressed data: get a correct copy of the file"
        )
        return CorruptInput(
            f"{shown(self._name)}: byte {self._stream_start}: no {self._codec} data begins here ({error}): {advice}"
        )

    def _left_over(self, stream: _Stream) -> bytes:
        """Return the bytes after the end of the stream, or no bytes if the stream has not ended."""
        if not stream.eof:
            return b""
        self._position -= len(stream.unused_data)
        self._stream = None
        return stream.unused_data
