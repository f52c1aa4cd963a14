"""The whole of an object behind ``http(s)://`` or ``s3://``, as a local file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kubemr_shell.errors import InputNotFound, ObjectNotFound
from kubemr_shell.net.retry import LISTING_PATIENCE, READING_PATIENCE, Patience
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.waiting import NOBODY, Waiter
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import write_all
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.storage.os_errors import explained

REMOTE = ("http", "https", "s3")
BLOCK_BYTES = 1 << 20


def is_remote(uri: str) -> bool:
    """Whether it has to be fetched."""
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
    """Make a file at ``path`` that may be executed; holds a few MiB of it in memory at most.

    ``patience`` is for the first answer. InputNotFound or StorageUnavailable name the object; OutOfSpace the file.
    Raises Cancelled soon after ``cancel_fd`` has become readable.
    """
    is_s3 = scheme_of(uri) == "s3"
    waiter = Waiter(cancel_fd)
    if is_s3:
        chunks = _of_s3(uri, s3, reading_patience, waiter)
    else:
        from kubemr_shell.inputs.http import contents  # noqa: PLC0415 - 40 ms that most jobs need not pay

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
    """In fewer and larger pieces."""
    gathered = bytearray()
    for chunk in chunks:
        gathered += chunk
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _of_s3(uri: str, s3: S3Config, patience: Patience, waiter: Waiter) -> Iterator[bytes]:
    from kubemr_shell.net.s3_client import client_for  # noqa: PLC0415 - only jobs with objects of S3 pay for boto3
    from kubemr_shell.net.s3_read import read_range  # noqa: PLC0415 - likewise
    from kubemr_shell.net.s3_uri import split_uri  # noqa: PLC0415 - likewise

    client = client_for(s3)
    bucket, key = split_uri(uri)
    if not key or key.endswith("/"):
        raise InputNotFound(f"{shown(uri)}: names no single object: give the whole key of a file")
    try:
        about = client.call("head_object", uri=uri, waiter=waiter, Bucket=bucket, Key=key)
    except ObjectNotFound as error:
        raise InputNotFound(str(error)) from error
    return read_range(client, uri, 0, about["ContentLength"], if_match=about["ETag"], waiter=waiter, patience=patience)
