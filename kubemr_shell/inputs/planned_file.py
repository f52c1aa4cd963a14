"""Reads of inputs while a job is planned."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from kubemr_shell.errors import KubemrError
from kubemr_shell.inputs.compression import content_of
from kubemr_shell.inputs.download import is_remote
from kubemr_shell.inputs.file_feed import open_planned
from kubemr_shell.inputs.file_kind import ARCHIVES
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.problems import all_of
from kubemr_shell.inputs.records.formats import looks
from kubemr_shell.inputs.splits import whole_piece
from kubemr_shell.job.split import Piece
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.waits.retry import READING_PATIENCE
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import Waiter

Result = TypeVar("Result")
"""The result of one read."""

READS_AT_ONCE = 16
"""The number of inputs behind URLs and in S3 that are read at the same time."""
READ_AHEAD_BYTES = 24 << 20
"""The bytes from S3 that may wait for the planner."""


def read_each(
    items: Sequence[InputObject], read: Callable[[InputObject, Waiter], Result], waiter: Waiter
) -> list[Result]:
    """Call ``read`` with each input, and return the results. Threads read the remote inputs at the same time.

    Raise all errors of ``read`` as one error. Raise Cancelled.
    """

    def answer(item: InputObject, waiter: Waiter) -> Result | KubemrError:
        waiter.check()
        try:
            return read(item, waiter)
        except KubemrError as error:
            return error

    remote = [item for item in items if is_remote(item.uri)]
    ahead = iter(in_threads(answer, remote, at_once=READS_AT_ONCE, waiter=waiter))
    results: list[Result] = []
    errors: list[KubemrError] = []
    for item in items:
        found = next(ahead) if is_remote(item.uri) else answer(item, waiter)
        if isinstance(found, KubemrError):
            errors.append(found)
        else:
            results.append(found)
    if errors:
        raise all_of(errors)
    return results


@contextmanager
def open_local(item: InputObject, folder: str) -> Iterator[int]:
    """Open a local file for reading, and yield its descriptor. Raise the errors of ``open_planned``.

    The file may have grown. The tasks that read it notice this too.
    """
    with open_planned(whole_piece(item), os.path.join(folder, item.uri), []) as source:
        yield source


@contextmanager
def opened(
    item: InputObject, folder: str, s3: S3Config, waiter: Waiter, *, start: int = 0
) -> Iterator[Iterator[bytes]]:
    """Open an input of known size, and yield its stored bytes from ``start`` on in blocks.

    Each block is twice as long as the one before.

    Raise InputError, InputChanged, StorageUnavailable, Forbidden and Cancelled.
    """
    assert item.size is not None
    ranges = looks(start, item.size)
    if not is_remote(item.uri):
        with open_local(item, folder) as source:
            yield (os.pread(source, end - begin, begin) for begin, end in ranges)
    else:
        piece = whole_piece(item)
        yield (data for begin, end in ranges for data in read_remote(piece, s3, waiter, start=begin, end=end))


def read_remote(
    piece: Piece,
    s3: S3Config,
    waiter: Waiter,
    *,
    start: int = 0,
    end: int | None = None,
    read_ahead: int = READ_AHEAD_BYTES,
) -> Iterator[bytes]:
    """Yield the bytes of a range of a URL or an S3 object as they arrive. Raise InputError and Cancelled.

    ``piece`` is the whole object. ``read_ahead`` is the number of bytes from S3 that may wait for the caller.
    """
    end = piece.size if end is None else end
    if is_s3(piece.uri):
        from kubemr_shell.inputs.s3_feed import S3Object
        from kubemr_shell.net.s3_client import client_for

        client = client_for(s3)
        return S3Object(client, piece, READING_PATIENCE, waiter, read_ahead).read(start, end)
    from kubemr_shell.inputs.http import RemoteFile

    file = RemoteFile(
        piece.uri, size=piece.size, fingerprint=piece.fingerprint, patience=READING_PATIENCE, waiter=waiter
    )
    return file.read(start, end)


def content_blocks(item: InputObject, blocks: Iterable[bytes]) -> Iterable[bytes] | None:
    """Return the decompressed bytes of an input, whose stored bytes are ``blocks``. Return None for an archive."""
    if item.codec == "none":
        return blocks
    content = content_of(blocks, item.uri)
    return None if content.kind in ARCHIVES else content.chunks
