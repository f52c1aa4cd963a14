"""The list of the multipart uploads that are neither completed nor aborted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.waits.retry import Patience

MOST_UPLOADS = 1000
"""The largest number of uploads in a page: S3's own limit."""


class Upload(NamedTuple):
    """An upload in the list."""

    key: str
    id: str


def list_uploads(
    client: S3Client,
    bucket: str,
    prefix: str,
    *,
    patience: Patience = CALL_PATIENCE,
    page_uploads: int = MOST_UPLOADS,
) -> Iterator[Upload]:
    """Yield the uploads whose key begins with the prefix, in the order of keys. The caller may abort them meanwhile.

    Raise ObjectNotFound if there is no bucket; and Forbidden, StorageUnavailable and StorageError as ``S3Client.call``
    does.
    """
    place: dict[str, Any] = {}
    while True:
        page = client.call(
            "list_multipart_uploads",
            uri=f"s3://{bucket}/{prefix}",
            patience=patience,
            Bucket=bucket,
            Prefix=prefix,
            MaxUploads=page_uploads,
            **place,
        )
        found = [Upload(item["Key"], item["UploadId"]) for item in page.get("Uploads", ())]
        if not page.get("IsTruncated") or not found:
            yield from found
            return
        whole = [upload for upload in found if upload.key < found[-1].key]
        if whole:
            # The next page begins after a key, because some servers refuse the id of an upload as a marker. So the
            # uploads of the last key are left to the next page, which has all of them.
            yield from whole
            place = {"KeyMarker": whole[-1].key}
        else:
            yield from found
            place = {"KeyMarker": found[-1].key, "UploadIdMarker": found[-1].id}
