"""Objects in S3 as a storage.

No clean name is ever made by PUT or copy: an output is an upload that is not completed before it is published. An
upload carries the job and the attempt as metadata, which the completed object keeps: so whoever finds the target tells
whether it is the same attempt's, published by another worker, or by a request whose answer was lost.

Uploads that nobody knows (their worker died, or the answer to their beginning was lost) show no metadata before they
are completed. They are found by their key when the job's folder is removed: an output has one owner at a time, so
uploads for its parts and its ``_SUCCESS`` are this job's, or of a dead one. Uploads for other keys are left alone.
What a worker leaves that was stopped until after the end of the job, ``clean`` or a lifecycle rule removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import Any

from kubemr_shell.errors import KubemrError, NoSuchRange, ObjectNotFound, StorageError
from kubemr_shell.job import names
from kubemr_shell.net.retry import Retries
from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.net.s3_errors import given_up, of_failure
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.net.waiting import NOBODY, Waiter
from kubemr_shell.shown import shown
from kubemr_shell.storage.interface import ObjectInfo, Receipt, StagedOutput, Storage
from kubemr_shell.storage.s3_upload import OWNER, StagedUpload, UploadReceipt, abort_upload, owner_of

KEYS_A_DELETION = 1000


class _Found(Enum):
    """What stands at the target of an output."""

    NOTHING = auto()
    PUBLISHED = auto()
    """This very output."""
    OLDER = auto()
    """Another attempt's, of this job or of an older one."""
    FOREIGN = auto()


class S3Storage(Storage):
    """Keeps no state but its client's; all threads of a process may share one."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, uri: str) -> bytes:
        return self._get(uri)

    def read_range(self, uri: str, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        try:
            return self._get(uri, Range=f"bytes={start}-{end - 1}")
        except NoSuchRange:
            return b""

    def write(self, uri: str, data: bytes) -> None:
        self._call("put_object", uri, Body=data)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        bucket, key = split_uri(prefix)
        place: dict[str, Any] = {}
        while True:
            page = self._client.call("list_objects_v2", uri=prefix, Bucket=bucket, Prefix=key, **place)
            for item in page.get("Contents", ()):
                uri = f"{prefix[: len(prefix) - len(key)]}{item['Key']}"
                yield ObjectInfo(uri=uri, size=item["Size"], fingerprint=item["ETag"])
            if not page.get("IsTruncated"):
                return
            place = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, uri: str) -> None:
        self._call("delete_object", uri)

    def make_folder(self, uri: str) -> None:
        """There are none; but a bucket that is missing is said before any work is done."""
        bucket, _ = split_uri(uri)
        self._client.call("head_bucket", uri=uri, Bucket=bucket)

    def delete_tree(self, folder: str) -> None:
        """With it go the uploads below it, and those for the parts of the output whose job's folder it is."""
        self._delete_objects(f"{folder.rstrip('/')}/")
        self._abort_uploads(f"{folder.rstrip('/')}/", lambda _: True)
        output, state, _ = folder.rstrip("/").rpartition(f"/{names.STATE}/")
        if state:
            self._abort_uploads(f"{output}/", lambda name: name == names.SUCCESS or names.is_part_name(name))

    def stage(self, staged: str, *, target: str) -> StagedOutput:
        return StagedUpload(self._client, staged, target)

    def publish(self, receipt: Receipt, *, replace: bool = False) -> None:
        found = self._found(receipt)
        if found is _Found.PUBLISHED:
            return
        staged = self._staged(receipt)
        if staged is None:
            raise _not_ours(receipt) if found is _Found.FOREIGN else _lost(receipt, f"{receipt.staged} is gone")
        if staged.size != receipt.bytes or staged.crc32 != receipt.crc32:
            raise _lost(receipt, f"{receipt.staged} has {staged.size} bytes, {receipt.bytes} were written")
        if found is not _Found.NOTHING and not replace:
            raise _not_ours(receipt)
        why = self._complete(receipt, staged)
        # Some servers answer the second completion of an upload as they did the first, though nothing happens any more.
        if why or found is not _Found.NOTHING:
            match self._found(receipt):
                case _Found.PUBLISHED:
                    return
                case _Found.FOREIGN:
                    raise _not_ours(receipt)
                case _:
                    raise _lost(receipt, why or "its upload was completed before, and replaced")

    def _complete(self, receipt: Receipt, staged: UploadReceipt) -> str:
        """Why not, or nothing: by another, or by a request of ours whose answer was lost; or somebody gave it up."""
        try:
            self._call(
                "complete_multipart_upload",
                receipt.target,
                UploadId=staged.upload,
                MultipartUpload=staged.multipart,
            )
        except ObjectNotFound as error:
            return str(error)
        return ""

    def abandon(self, staged: str) -> None:
        with suppress(ObjectNotFound):
            receipt = UploadReceipt.decode(self.read(staged), staged)
            abort_upload(self._client, receipt.target, receipt.upload)
            self.delete(staged)

    def _staged(self, receipt: Receipt) -> UploadReceipt | None:
        try:
            return UploadReceipt.decode(self.read(receipt.staged), receipt.staged)
        except ObjectNotFound:
            return None

    def _found(self, receipt: Receipt) -> _Found:
        try:
            found = self._call("head_object", receipt.target)
        except ObjectNotFound:
            return _Found.NOTHING
        owner = found.get("Metadata", {}).get(OWNER)
        if owner is None:
            return _Found.FOREIGN
        is_this = (owner, found["ContentLength"]) == (owner_of(receipt.staged), receipt.bytes)
        return _Found.PUBLISHED if is_this else _Found.OLDER

    def _get(self, uri: str, **parameters: Any) -> bytes:
        retries = Retries(CALL_PATIENCE, Waiter(NOBODY))
        begun = CALL_PATIENCE.clock()
        again = False
        while True:
            answer = self._call("get_object", uri, again=again, **parameters)
            try:
                data: bytes = answer["Body"].read()
            except Exception as error:
                trouble = of_failure(error, uri)
                if trouble is None:
                    raise
                if isinstance(trouble, KubemrError):
                    raise trouble from error
                if not retries.pause(trouble.asked):
                    raise given_up(trouble, uri, CALL_PATIENCE.clock() - begun) from error
                again = True
            else:
                return data
            finally:
                answer["Body"].close()

    def _call(self, operation: str, uri: str, **parameters: Any) -> dict[str, Any]:
        bucket, key = split_uri(uri)
        return self._client.call(operation, uri=uri, Bucket=bucket, Key=key, **parameters)

    def _delete_objects(self, folder: str) -> None:
        bucket, _ = split_uri(folder)
        keys = [split_uri(item.uri)[1] for item in self.list(folder)]
        for start in range(0, len(keys), KEYS_A_DELETION):
            answer = self._client.call(
                "delete_objects",
                uri=folder,
                Bucket=bucket,
                Delete={"Objects": [{"Key": key} for key in keys[start : start + KEYS_A_DELETION]], "Quiet": True},
            )
            for refused in answer.get("Errors", ()):
                raise StorageError(
                    f"s3://{bucket}/{shown(refused['Key'])}: not deleted: {refused.get('Code')} "
                    f"{refused.get('Message', '')}"
                )

    def _abort_uploads(self, folder: str, wanted: Callable[[str], bool]) -> None:
        """Those for keys below the folder whose name there is ``wanted``."""
        bucket, prefix = split_uri(folder)
        place: dict[str, Any] = {}
        while True:
            page = self._client.call("list_multipart_uploads", uri=folder, Bucket=bucket, Prefix=prefix, **place)
            for item in page.get("Uploads", ()):
                if wanted(item["Key"].removeprefix(prefix)):
                    abort_upload(self._client, f"s3://{bucket}/{item['Key']}", item["UploadId"])
            if not page.get("IsTruncated"):
                return
            place = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}


def _lost(receipt: Receipt, reason: str) -> ObjectNotFound:
    return ObjectNotFound(f"{receipt.target}: neither published nor staged: {reason}")


def _not_ours(receipt: Receipt) -> StorageError:
    return StorageError(
        f"{receipt.target}: something that this job did not write stands where a part of {receipt.bytes} bytes "
        "belongs: move it away, then go on with --resume"
    )
