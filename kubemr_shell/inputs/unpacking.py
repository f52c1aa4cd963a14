"""Unpacks an input: the input itself, decompressed, or the members of an archive, in the order of the archive.

An archive is read like a folder: only regular files are read, and names that begin with ``_`` or ``.`` are left out. A
member may be compressed, and may be an archive itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.compression import content_of
from kubemr_shell.shown import shown

DEEPEST = 3
"""The number of archives that may be inside each other. Some archives contain themselves without end."""


class FileInside(NamedTuple):
    """A file in an input. ``chunks`` must be read before the next file."""

    name: str
    """The name of the input, or ``ARCHIVE/member``."""
    head: bytes
    """The first bytes of the content."""
    chunks: Iterator[bytes]


def unpacked(chunks: Iterable[bytes], name: str, *, scratch: str, depth: int = 0) -> Iterator[FileInside]:
    """Yield the files in an input. ``scratch`` is a folder for the bytes of a zip file, which is read from its end.

    Raise InputError if the input or a member is damaged, encrypted or cannot be read. The error names it.
    """
    content = content_of(chunks, name)
    if content.kind == "none":
        yield FileInside(name, content.head, content.chunks)
        return
    if depth == DEEPEST:
        raise InputError(
            f"{shown(name)}: is an archive inside {DEEPEST} other archives: unpack the outer archives, or set "
            "decompress: none (--decompress none)"
        )
    from kubemr_shell.inputs.members import members_of

    for member, data in members_of(content, name, scratch):
        yield from unpacked(data, f"{name}/{member}", scratch=scratch, depth=depth + 1)
