"""Downloads of whole objects behind ``http(s)://`` or ``s3://`` into local files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kubemr_shell.errors import InputNotFound, ObjectNotFound
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import write_all
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.waits.retry import LISTING_PATIENCE, READING_PATIENCE, Patience
from kubemr_shell.waits.waiter import NOBODY, Waiter

REMOTE = ("http", "https", "s3")
"""The schemes of objects that are fetched over a network."""
BLOCK_BYTES = 1 << 20
"""The smallest number of bytes that are written to the file at once, except for the last block."""


def is_remote(uri: str) -> bool:
    """Return whether the object is fetched over a network."""
    return scheme_of(uri) in REMOTE


def download(
    uri: str,
    path: str,
    *,
    s3: S3Config,
    patience: Patience = LISTING_PATIENCE,
    reading_patience: Patience = READING_PATIENCE,
    cancel_fd: int = NOBODY,
) -> None:
    """Write the object to an executable file at ``path``. At most a few MiB are in memory at one time.

    ``patience`` is for the first answer, ``reading_patience`` for the bytes. Raise InputNotFound or StorageUnavailable,
    which name the object; OutOfSpace, which names the file; and Cancelled soon after ``cancel_fd`` has become readable.
    """
    is_s3 = scheme_of(uri) == "s3"
    waiter = Waiter(cancel_fd)
    if is_s3:
        chunks = _of_s3(uri, s3, reading_patience, waiter)
    else:
        from kubemr_shell.inputs.http import contents

        chunks = contents(uri, patience, reading_patience, cancel_fd)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o777)
    except OSError as error:
        raise explained(error, path) from error
    try:
        for block in _blocks(chunks):
            write_all(descriptor, block, path)
    finally:
        os.close(descriptor)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join chunks into fewer and larger blocks."""
    gathered = bytearray()
    for chunk in chunks:
        gathered += chunk
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _of_s3(uri: str, s3: S3Config, patience: Patience, waiter: Waiter) -> Iterator[bytes]:
    from kubemr_shell.net.s3_client import client_for
    from kubemr_shell.net.s3_read import read_range

    client = client_for(s3)
    bucket, key = split_uri(uri)
    if not key or key.endswith("/"):
        raise InputNotFound(f"{shown(uri)}: is not the URI of one object: give the whole key of a file")
    try:
        about = client.call("head_object", uri=uri, waiter=waiter, Bucket=bucket, Key=key)
    except ObjectNotFound as error:
        raise InputNotFound(str(error)) from error
    return read_range(client, uri, 0, about["ContentLength"], if_match=about["ETag"], waiter=waiter, patience=patience)
