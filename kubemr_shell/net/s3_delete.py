"""Deletion of many objects: 1,000 with one request, or one by one if the server does not support this request.

Amazon's API takes a list of keys (DeleteObjects) and demands a checksum of the list. Some servers want this checksum
as Content-MD5, which botocore no longer sends. Other servers do not know the request at all. Single deletions work
everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from kubemr_shell.errors import ObjectNotFound, StorageError
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

KEYS_A_DELETION = 1000
"""The number of keys in one DeleteObjects request: S3's limit."""
REQUESTS_AT_ONCE = 16
"""The number of single deletions that are sent at the same time."""


def delete_objects(client: S3Client, bucket: str, keys: Sequence[str]) -> None:
    """Delete objects. Ignore keys that have no object. Raise the errors of ``S3Client.call``."""
    done = 0
    try:
        for done in range(0, len(keys), KEYS_A_DELETION):
            some = keys[done : done + KEYS_A_DELETION]
            # The server may refuse some of the keys. A single deletion of such a key tries again, and its error has
            # more detail.
            _delete_singly(client, bucket, _delete_together(client, bucket, some))
    except _NoDeletionOfMany:
        _delete_singly(client, bucket, keys[done:])


class _NoDeletionOfMany(Exception):
    """The server refuses DeleteObjects."""


def _delete_together(client: S3Client, bucket: str, keys: Sequence[str]) -> list[str]:
    """Send one DeleteObjects request. Return the keys that were not deleted."""
    objects = [{"Key": key} for key in keys]
    try:
        answer = client.call(
            "delete_objects", uri=f"s3://{bucket}/{keys[0]}", Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
        )
    except ObjectNotFound:
        raise
    except StorageError as error:
        raise _NoDeletionOfMany from error
    return [refused["Key"] for refused in answer.get("Errors", ())]


def _delete_singly(client: S3Client, bucket: str, keys: Sequence[str]) -> None:
    def delete(key: str, waiter: Waiter) -> None:
        with suppress(ObjectNotFound):
            client.call("delete_object", uri=f"s3://{bucket}/{key}", waiter=waiter, Bucket=bucket, Key=key)

    in_threads(delete, keys, at_once=REQUESTS_AT_ONCE, waiter=Waiter(NOBODY))
