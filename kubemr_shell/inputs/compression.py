"""Compressed inputs: decompression with a bounded amount of memory.

A file may hold several streams one after the other (``cat a.gz b.gz``); they are read as one. A stream that stops
early, bytes that are not a stream, and a wrong checksum are errors. The error names the file and the position in the
file. So a part of a file is never taken for the whole file. A file may be compressed several times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from kubemr_shell.errors import CorruptInput, InputError, TruncatedInput
from kubemr_shell.inputs.codecs import FRAMED, PADDED, STREAMS, Skippable, Stream
from kubemr_shell.inputs.file_kind import ARCHIVES, HEAD_BYTES, is_skippable, kind_of, name_inside
from kubemr_shell.job.split import Codec
from kubemr_shell.shown import shown

STEP_BYTES = 1 << 20
"""The number of decompressed bytes at which one step of the decompression stops."""
IF_NOT_COMPRESSED = "if the file is not compressed, set decompress: none"
"""The advice on a file whose first bytes are not compressed data."""
MOST_LAYERS = 4
"""The number of looks at first bytes, so a file may be compressed one time less. Some files contain themselves."""


class Content:
    """The content of a file after all decompression.

    ``kind``: tar or zip if the content is an archive, or none. ``head``: the first bytes. ``chunks``: all bytes.
    """

    def __init__(self, kind: Codec, head: bytes, chunks: Iterator[bytes]) -> None:
        self.kind = kind
        self.head = head
        self.chunks = chunks


def content_of(chunks: Iterable[bytes], name: str) -> Content:
    """Decompress a file as often as it is compressed, and return the content, which is read later.

    The first bytes decide whether a file is compressed. ``name`` is the name of the file in errors. Raise InputError if
    the file cannot be read.
    """
    inner = called = name
    for _ in range(MOST_LAYERS):
        head, chunks = with_head(chunks)
        kind = kind_of(head, inner, called=called)
        if kind == "none" or kind in ARCHIVES:
            return Content(kind, head, chunks)
        chunks, inner, called = decompressed(chunks, kind, name), name_inside(inner), f"{name} (decompressed)"
    raise InputError(
        f"{shown(name)}: is compressed more than {MOST_LAYERS - 1} times: decompress the file with another tool, "
        "or set decompress: none (--decompress none)"
    )


def with_head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first HEAD_BYTES bytes, or fewer if the file is shorter, and an iterator over all bytes."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return head[:HEAD_BYTES], chain([head] if head else [], rest)


def decompressed(
    chunks: Iterable[bytes], codec: Codec, name: str, start: int = 0, *, advice: str = IF_NOT_COMPRESSED
) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, at most a few ``STEP_BYTES`` at a time.

    ``name`` is the name of the file in errors. ``start`` is the offset of the first byte in the file. ``advice``
    ends the error about first bytes that are not of the codec. Raise CorruptInput if the file is damaged,
    TruncatedInput if its last stream is not complete, and InputError if this Python lacks the codec.
    """
    file = _CompressedFile(codec, name, start, advice)
    for chunk in chunks:
        yield from file.feed(chunk)
    file.finish()


class _CompressedFile:
    """A compressed file of one or several streams, which is decompressed as its bytes arrive."""

    def __init__(self, codec: Codec, name: str, start: int, advice: str) -> None:
        self._codec = codec
        self._name = name
        self._advice = advice
        self._stream: Stream | None = None
        self._position = start
        """The offset in the file up to which the bytes were decompressed."""
        self._stream_start = 0
        self._streams = 0
        self._has_output = False
        """Whether the current stream has given output, so its header was correct."""
        self._magic = b""
        """The first bytes of the next frame, while there are fewer than four of them."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decompress the next bytes of the file."""
        if self._magic:
            chunk, self._magic = self._magic + chunk, b""
        while chunk:
            if self._stream is None:
                chunk = self._begin(chunk)
            if self._stream is not None:
                self._position += len(chunk)
                yield from self._pull(self._stream, chunk)
                chunk = self._left_over(self._stream)

    def finish(self) -> None:
        """Check at the end of the file that the file is complete."""
        if self._magic:
            self._position += len(self._magic)
            self._begin_stream(self._magic)
        if self._stream is not None:
            raise TruncatedInput(
                f"{shown(self._name)}: byte {self._position}: the file ends in the middle of the {self._codec} data: "
                "it was cut; get a whole copy of it"
            )

    def _begin(self, chunk: bytes) -> bytes:
        """Start a stream unless only padding is left. Return the chunk without the padding before the stream."""
        if self._streams and self._codec in PADDED:
            size = len(chunk)
            chunk = chunk.lstrip(b"\0")
            self._position += size - len(chunk)
        if self._codec in FRAMED.values() and len(chunk) < 4:
            self._magic = chunk
            return b""
        if chunk:
            self._begin_stream(chunk)
        return chunk

    def _begin_stream(self, head: bytes) -> None:
        self._stream_start = self._position
        self._streams += 1
        self._has_output = False
        if self._codec in FRAMED.values():
            if is_skippable(head):
                self._stream = Skippable()
                return
            self._codec = FRAMED.get(head[:4], self._codec)  # a skippable frame does not show the compression
        try:
            self._stream = STREAMS[self._codec]()
        except ImportError as error:
            raise InputError(
                f"{shown(self._name)}: this Python cannot read {self._codec}: {error}: install that module, "
                "or use another compression"
            ) from error

    def _pull(self, stream: Stream, data: bytes) -> Iterator[bytes]:
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
            self._advice
            if self._streams == 1
            else "other bytes follow the compressed data: get a correct copy of the file"
        )
        return CorruptInput(
            f"{shown(self._name)}: byte {self._stream_start}: no {self._codec} data begins here ({error}): {advice}"
        )

    def _left_over(self, stream: Stream) -> bytes:
        """Return the bytes after the end of the stream, or no bytes if the stream has not ended."""
        if not stream.eof:
            return b""
        left = stream.unused_data or b""
        self._position -= len(left)
        self._stream = None
        return left
