"""Cuts large compressed files at their blocks, in the plan."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.blocks.block_files import BlockFile
from kubemr_shell.inputs.blocks.window import Read, gradually
from kubemr_shell.inputs.compression import decompressed, with_head
from kubemr_shell.inputs.file_kind import kind_of, name_inside, wide_encoding
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import open_local, read_remote
from kubemr_shell.inputs.splits import whole_piece
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.waits.waiter import Waiter

READ_BYTES = 256 << 10
"""The bytes of a local file that are read at once."""
READ_AHEAD_BYTES = 8 << 20
"""The bytes from S3 that may wait for one reader. Each search for a block has up to two readers."""


def block_cuts(item: InputObject, wanted: Sequence[int], *, folder: str, s3: S3Config, cancel_fd: int) -> list[int]:
    """Return the offsets of blocks at which a compressed file is cut: for each wanted offset, the next one behind it.

    Return no offsets if the file has no such blocks, or if its content is compressed, an archive, or a text that
    cannot be cut. ``folder`` is the folder of relative names. Raise InputError if the file cannot be read.
    """
    assert item.size is not None
    if item.codec == "auto":
        return []
    if scheme_of(item.uri) == "file":
        with open_local(item, folder) as source:
            return _cuts(item, item.size, wanted, _local(source), Waiter(cancel_fd), is_local=True)

    def read(start: int, end: int) -> Iterator[bytes]:
        return read_remote(whole_piece(item), s3, Waiter(cancel_fd), start=start, end=end, read_ahead=READ_AHEAD_BYTES)

    return _cuts(item, item.size, wanted, read, Waiter(cancel_fd), is_local=False)


def _cuts(
    item: InputObject, size: int, wanted: Sequence[int], read: Read, waiter: Waiter, *, is_local: bool
) -> list[int]:
    try:
        head, _ = with_head(decompressed(gradually(read)(0, size), item.codec, item.uri))
    except CorruptInput:
        return []  # the task that reads the file reports the damage
    if kind_of(head, name_inside(item.uri), called=f"{item.uri} (decompressed)") != "none" or wide_encoding(head):
        return []
    return BlockFile(read, codec=item.codec, size=size, name=item.uri, is_local=is_local).cuts(wanted, waiter)


def _local(source: int) -> Read:
    def read(start: int, end: int) -> Iterator[bytes]:
        while start < end and (block := os.pread(source, min(READ_BYTES, end - start), start)):
            yield block
            start += len(block)

    return read
