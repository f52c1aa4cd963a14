"""Reads of whole inputs while a job is planned."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.inputs.file_feed import open_planned
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.records.formats import looks
from kubemr_shell.job.split import Piece
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.waits.retry import READING_PATIENCE
from kubemr_shell.waits.waiter import Waiter

READ_AHEAD_BYTES = 24 << 20
"""The bytes from S3 that may wait for the planner."""


@contextmanager
def open_local(item: InputObject, folder: str) -> Iterator[int]:
    """Open a local file for reading, and yield its descriptor. Raise the errors of ``open_planned``.

    The file may have grown. The tasks that read it notice this too.
    """
    with open_planned(whole(item), os.path.join(folder, item.uri), []) as source:
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
    if scheme_of(item.uri) == "file":
        with open_local(item, folder) as source:
            yield (os.pread(source, end - begin, begin) for begin, end in ranges)
    else:
        yield (data for begin, end in ranges for data in read_remote(item, s3, waiter, start=begin, end=end))


def read_remote(
    item: InputObject,
    s3: S3Config,
    waiter: Waiter,
    *,
    start: int = 0,
    end: int | None = None,
    read_ahead: int = READ_AHEAD_BYTES,
) -> Iterator[bytes]:
    """Yield the bytes of a range of a URL or an S3 object as they arrive. Raise InputError and Cancelled.

    ``read_ahead`` is the number of bytes from S3 that may wait for the caller.
    """
    end = item.size if end is None else end
    if is_s3(item.uri):
        from kubemr_shell.inputs.s3_feed import S3Object
        from kubemr_shell.net.s3_client import client_for

        client = client_for(s3)
        return S3Object(client, whole(item), READING_PATIENCE, waiter, read_ahead).read(start, end)
    from kubemr_shell.inputs.http import RemoteFile

    file = RemoteFile(item.uri, size=item.size, fingerprint=item.fingerprint, patience=READING_PATIENCE, waiter=waiter)
    return file.read(start, end)


def whole(item: InputObject) -> Piece:
    """Return the piece that is the whole input."""
    return Piece(uri=item.uri, end=item.size, size=item.size, codec=item.codec, fingerprint=item.fingerprint)
