"""Objects in S3 as a storage.

No clean name is ever made by PUT or copy: an output is an upload that is not completed before it is published, and an
id is completed once at most. The object keeps the upload's metadata, job and attempt: so whoever finds the target can
tell whether this output stands there already, put there by another worker or by a request whose answer was lost. Where
a server knows conditions, a completion takes effect only while the target is what it was when it was looked at.

Metadata of an upload that is not completed can be seen by nobody. Uploads without a receipt (their worker died, or the
answer to their beginning was lost) are therefore told by their key alone, and only by ``delete_tree`` of a job's folder
in an output, whose caller owns that output: nobody else writes there, so an upload for a part or for ``_SUCCESS`` is
this job's or a dead one's, unless the receipt of another job names it: one that can be resumed. All other uploads are
left alone. A record written before each upload would not say more, since it would not know the id, and costs a request
for each output. ``abandon`` knows the upload in the receipt, and no others: another attempt of the same task may be
writing to the same key at that moment.

A worker that wakes up after the end of its job cannot publish: its upload was completed or aborted. Only what it
begins or seals then stays, unseen, until it gives it up itself, ``clean`` comes by or a lifecycle rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from kubemr_shell.errors import BucketNotFound, NoSuchRange, ObjectNotFound, PreconditionFailed, Sequel, StorageError
from kubemr_shell.job import names
from kubemr_shell.net.retry import LISTING_PATIENCE
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_delete import delete_objects
from kubemr_shell.net.s3_get import get_object, get_range
from kubemr_shell.net.s3_pages import list_objects
from kubemr_shell.net.s3_uploads import Upload, list_uploads
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.net.threads import in_threads
from kubemr_shell.net.waiting import NOBODY, Waiter
from kubemr_shell.storage.interface import ObjectInfo, Receipt, StagedOutput, Storage
from kubemr_shell.storage.s3_target import Standing, owner_in, standing
from kubemr_shell.storage.s3_upload import StagedUpload, UploadReceipt, abort_upload

REQUESTS_AT_ONCE = 8


class S3Storage(Storage):
    """Keeps no state but its client's; all threads of a process may share one."""

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
        """There are none; but a bucket that is missing is said before any work is done."""
        bucket, _ = split_uri(uri)
        self._client.call("head_bucket", uri=uri, patience=LISTING_PATIENCE, Bucket=bucket)

    def delete_tree(self, folder: str) -> None:
        """With it go the uploads below it, and those for the parts of the output whose job's folder it is.

        The objects go last: as long as one is there, it can be seen that there is something to remove.
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
        # Some servers answer the second completion of an upload as they did the first, though nothing happens any more.
        if why or etag is not None:
            match self._found(receipt)[0]:
                case Standing.PUBLISHED:
                    return
                case Standing.FOREIGN:
                    raise _not_ours(receipt)
                case _:
                    raise _lost(receipt, why or "its upload was completed before, and replaced")

    def settle(self, uris: Iterable[str]) -> None:
        """There is nothing to do: a store answers when an object is safe."""

    def abandon(self, staged: str) -> None:
        with contextlib.suppress(ObjectNotFound):
            data, _ = get_object(self._client, staged, patience=LISTING_PATIENCE)
            receipt = UploadReceipt.decode(data, staged)
            abort_upload(self._client, receipt.target, receipt.upload, LISTING_PATIENCE)
            self._call("delete_object", staged, patience=LISTING_PATIENCE)

    def _complete(self, receipt: Receipt, staged: UploadReceipt, condition: dict[str, str]) -> str:
        """Why not, or nothing: by another, or by a request of ours whose answer was lost; or somebody gave it up."""
        request = {"UploadId": staged.upload, "MultipartUpload": staged.multipart}
        try:
            try:
                self._call("complete_multipart_upload", receipt.target, **request, **condition)
            except (ObjectNotFound, PreconditionFailed):
                raise
            except StorageError:  # a server that refuses conditions, or this request whatever it says
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
        """What stands at the target, and its ETag."""
        try:
            found = self._call("head_object", receipt.target)
        except ObjectNotFound:
            return Standing.NOTHING, None
        return standing(receipt, owner=owner_in(found.get("Metadata", {})), size=found["ContentLength"]), found["ETag"]

    def _call(self, operation: str, uri: str, **parameters: Any) -> dict[str, Any]:
        bucket, key = split_uri(uri)
        return self._client.call(operation, uri=uri, Bucket=bucket, Key=key, **parameters)

    def _sealed_by_others(self, state: str, uid: str) -> set[str]:
        """The ids of uploads that wait for other jobs of an output to publish them."""
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
        """Those for keys below the folder whose name there is ``wanted``, but for the ids to be ``kept``."""
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
