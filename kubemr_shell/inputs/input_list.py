"""Reads the text of a list of inputs (``inputsFrom``), which has one name in each line and may be compressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.compression import content_of
from kubemr_shell.shown import shown

MOST_LINE_BYTES = 64 << 10
"""The most bytes of a line. A file without line ends, or a device such as /dev/zero, is no list."""


def text_of_list(chunks: Iterable[bytes], name: str) -> bytes:
    """Return the decompressed bytes of a list of inputs.

    Raise InputError if the list is damaged, is an archive, or has a line of more than ``MOST_LINE_BYTES`` bytes.
    """
    content = content_of(chunks, name)
    if content.kind != "none":
        raise InputError(f"{shown(name)}: the list of inputs (inputsFrom) is a {content.kind} archive: unpack it")
    return b"".join(_with_short_lines(content.chunks, name))


def _with_short_lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    start = size = 0  # of the line that was not ended yet
    for chunk in chunks:
        for number, part in enumerate(chunk.split(b"\n")):
            if number > 0:
                start, size = start + size + 1, 0
            size += len(part)
            if size > MOST_LINE_BYTES:
                raise InputError(
                    f"{shown(name)}: byte {start}: a line of the list of inputs (inputsFrom) is longer than "
                    f"{MOST_LINE_BYTES:,} bytes: write the name of one input in each line"
                )
        yield chunk
