"""A storage in S3.

PUT or copy never makes a final name. An output is a multipart upload that is completed when the output is published,
and the id of an upload is completed at most once. The completed object keeps the metadata of the upload: the job and
the attempt. So a worker that finds the target can tell whether this output is published already, by another worker or
by a request whose answer was lost. If the server supports conditions, a completion takes effect only if the target has
not changed since the worker read its head.

S3 shows the metadata of an upload only after the upload is completed. An upload may have no receipt, because its worker
died, or because the answer to the request that began the upload was lost. Only its key identifies such an upload.
Only ``delete_tree`` of a job's folder in an output removes such uploads. Its caller owns the output, and no other job
writes there. So an upload for a part or for ``_SUCCESS`` belongs to this job or to a dead job, with one exception: the
receipt of a job that can be resumed may name the upload. All other uploads are left alone. A record before each upload
would not help: it would not contain the id of the upload, and it would cost a request for each output.

``abandon`` aborts only the upload that the receipt names, because another attempt of the same task may be writing to
the same key at that moment.

A worker that wakes up after the end of its job cannot publish: its upload is completed or aborted. Uploads that it then
begins or seals stay, invisible, until the worker abandons them, or ``clean`` or a lifecycle rule removes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from kubemr_shell.errors import BucketNotFound, NoSuchRange, ObjectNotFound, PreconditionFailed, Sequel, StorageError
from kubemr_shell.job import names
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_delete import delete_objects
from kubemr_shell.net.s3_get import get_object, get_range
from kubemr_shell.net.s3_pages import list_objects
from kubemr_shell.net.s3_uploads import Upload, list_uploads
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.storage.interface import ObjectInfo, Receipt, StagedOutput, Storage
from kubemr_shell.storage.s3_target import Standing, owner_in, standing
from kubemr_shell.storage.s3_upload import StagedUpload, UploadReceipt, abort_upload
from kubemr_shell.waits.retry import LISTING_PATIENCE
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

REQUESTS_AT_ONCE = 8
"""The number of requests that abort uploads at the same time."""


class S3Storage(Storage):
    """A storage in S3. An instance has no state but its client; all threads of a process may share one instance."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, uri: str) -> bytes:
        return get_object(self._client, uri)[0]

    def read_range(self, uri: str, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        try:
            return get_range(self._client, uri, start, end)
        except NoSuchRange:
            return b""

    def write(self, uri: str, data: bytes | bytearray) -> None:
        self._call("put_object", uri, Body=data)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        bucket, key = split_uri(prefix)
        start = prefix[: len(prefix) - len(key)]
        for item in list_objects(self._client, bucket, key):
            yield ObjectInfo(uri=start + item.key, size=item.size, fingerprint=item.etag)

    def delete(self, uri: str) -> None:
        self._call("delete_object", uri)

    def make_folder(self, uri: str) -> None:
        """Check that the bucket exists, so that a missing bucket is an error before any work is done.

        S3 has no folders, so nothing is made.
        """
        bucket, _ = split_uri(uri)
        self._client.call("head_bucket", uri=uri, patience=LISTING_PATIENCE, Bucket=bucket)

    def delete_tree(self, folder: str) -> None:
        """Remove the uploads and the objects below a folder.

        If the folder is the folder of a job in an output, also remove the uploads for the parts of this output. The
        objects are removed last: while an object exists, a later call can see that there is something to remove.
        """
        with contextlib.suppress(BucketNotFound):
            self._delete_tree(f"{folder.rstrip('/')}/")

    def _delete_tree(self, folder: str) -> None:
        self._abort_uploads(folder, lambda _: True)
        output, is_of_job, uid = folder[:-1].rpartition(f"/{names.STATE}/")
        if is_of_job and "/" not in uid:
            kept = self._sealed_by_others(f"{output}/{names.STATE}/", uid)
            self._abort_uploads(f"{output}/", lambda name: name == names.SUCCESS or names.is_part_name(name), kept)
        self._delete_objects(folder)

    def stage(self, staged: str, *, target: str, scratch: str | None = None) -> StagedOutput:
        return StagedUpload(self._client, staged, target, scratch)

    def publish(self, receipt: Receipt, *, replace: bool = False) -> None:
        found, etag = self._found(receipt)
        if found is Standing.PUBLISHED:
            return
        if found is Standing.LATER:
            raise _lost(receipt, "a later attempt has been published")
        staged = self._staged(receipt)
        if staged is None:
            raise _not_ours(receipt) if found is Standing.FOREIGN else _lost(receipt, f"{receipt.staged} is gone")
        if staged.size != receipt.bytes:
            raise _lost(receipt, f"{receipt.staged} has {staged.size} bytes, {receipt.bytes} were written")
        if staged.crc32 != receipt.crc32:
            raise _lost(receipt, f"{receipt.staged} has another checksum than the bytes that were written")
        if found not in (Standing.NOTHING, Standing.EARLIER) and not replace:
            raise _not_ours(receipt)
        why = self._complete(receipt, staged, {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag})
        # Some servers answer the second completion of an upload like the first one, although it has no effect.
        if why or etag is not None:
            match self._found(receipt)[0]:
                case Standing.PUBLISHED:
                    return
                case Standing.FOREIGN:
                    raise _not_ours(receipt)
                case _:
                    raise _lost(receipt, why or "its upload was completed before, and replaced")

    def settle(self, uris: Iterable[str]) -> None:
        """Do nothing: S3 answers a write when the object is safe."""

    def abandon(self, staged: str) -> None:
        with contextlib.suppress(ObjectNotFound):
            data, _ = get_object(self._client, staged, patience=LISTING_PATIENCE)
            receipt = UploadReceipt.decode(data, staged)
            abort_upload(self._client, receipt.target, receipt.upload, LISTING_PATIENCE)
            self._call("delete_object", staged, patience=LISTING_PATIENCE)

    def _complete(self, receipt: Receipt, staged: UploadReceipt, condition: dict[str, str]) -> str:
        """Complete the upload. Return an empty string, or the reason why the upload was not completed now.

        Another worker may have completed or aborted the upload, or an earlier request whose answer was lost may have
        completed it.
        """
        request = {"UploadId": staged.upload, "MultipartUpload": staged.multipart}
        try:
            try:
                self._call("complete_multipart_upload", receipt.target, **request, **condition)
            except (ObjectNotFound, PreconditionFailed):
                raise
            except StorageError:  # the server may refuse only the condition, so send the request without it
                self._call("complete_multipart_upload", receipt.target, **request)
        except (ObjectNotFound, PreconditionFailed) as error:
            return str(error)
        return ""

    def _staged(self, receipt: Receipt) -> UploadReceipt | None:
        try:
            return UploadReceipt.decode(self.read(receipt.staged), receipt.staged)
        except ObjectNotFound:
            return None

    def _found(self, receipt: Receipt) -> tuple[Standing, str | None]:
        """Return the standing of the target, and its ETag or None if there is no object."""
        try:
            found = self._call("head_object", receipt.target)
        except ObjectNotFound:
            return Standing.NOTHING, None
        return standing(receipt, owner=owner_in(found.get("Metadata", {})), size=found["ContentLength"]), found["ETag"]

    def _call(self, operation: str, uri: str, **parameters: Any) -> dict[str, Any]:
        bucket, key = split_uri(uri)
        return self._client.call(operation, uri=uri, Bucket=bucket, Key=key, **parameters)

    def _sealed_by_others(self, state: str, uid: str) -> set[str]:
        """Return the ids of the uploads that other jobs of the output have sealed and may still publish."""
        receipts = [
            item.uri
            for item in self.list(state)
            if not item.uri.startswith(f"{state}{uid}/") and item.uri.removeprefix(state).count("/") > 1
        ]
        return {upload for uri in receipts if (upload := self._upload_in(uri))}

    def _upload_in(self, uri: str) -> str | None:
        try:
            return UploadReceipt.decode(self.read(uri), uri).upload
        except ObjectNotFound:
            return None

    def _delete_objects(self, folder: str) -> None:
        bucket, prefix = split_uri(folder)
        delete_objects(self._client, bucket, [item.key for item in list_objects(self._client, bucket, prefix)])

    def _abort_uploads(self, folder: str, wanted: Callable[[str], bool], kept: Collection[str] = ()) -> None:
        """Abort the uploads for keys below a folder, but not those whose id is in ``kept``.

        ``wanted`` gets the name below the folder and returns whether to abort the upload.
        """
        bucket, prefix = split_uri(folder)
        found = [
            upload
            for upload in list_uploads(self._client, bucket, prefix)
            if wanted(upload.key.removeprefix(prefix)) and upload.id not in kept
        ]

        def abort(upload: Upload, _: Waiter) -> None:
            abort_upload(self._client, f"s3://{bucket}/{upload.key}", upload.id)

        in_threads(abort, found, at_once=REQUESTS_AT_ONCE, waiter=Waiter(NOBODY))


def _lost(receipt: Receipt, reason: str) -> ObjectNotFound:
    return ObjectNotFound(f"{receipt.target}: neither published nor staged: {reason}")


def _not_ours(receipt: Receipt) -> StorageError:
    return StorageError(
        f"{receipt.target}: something that this job did not write stands where a part of {receipt.bytes} bytes "
        "belongs: move it away",
        sequel=Sequel.GOES_ON,
    )
