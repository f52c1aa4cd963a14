"""Outputs that are staged in S3: a multipart upload that is not completed yet, and its receipt."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from kubemr_shell.errors import ObjectNotFound, StorageError, StorageUnavailable
from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.storage.interface import Receipt, StagedOutput
from kubemr_shell.storage.s3_part import Part
from kubemr_shell.storage.s3_target import OWNER, owner_of
from kubemr_shell.waits.retry import LISTING_PATIENCE, Patience
from kubemr_shell.waits.threads import Crew, Promise
from kubemr_shell.waits.waiter import NOBODY, Waiter

FIRST_PART_BYTES = 8 << 20
"""The size in bytes of each of the first ``PARTS_OF_A_SIZE`` parts."""
PARTS_OF_A_SIZE = 1000
"""The number of parts of one size; the next parts are twice as large."""
MOST_PARTS = 10_000
"""The largest number of parts of an upload: S3's limit."""
IN_FLIGHT = 2
"""The number of parts of one output that are sent while the next part is filled.

The parts of the first 8 GiB are in memory: 24 MiB, including the part that is being filled.
"""


def part_bytes(number: int) -> int:
    """Return the size in bytes of part ``number``, counted from 1.

    The size doubles after each 1,000 parts, so 10,000 parts are enough for 5 TiB.
    """
    return FIRST_PART_BYTES << ((number - 1) // PARTS_OF_A_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReceipt:
    """The content of the object that has the staged name once the output is complete."""

    target: str
    """The URI of the target."""
    upload: str
    """The id of the upload, which is bound to the target's key."""
    parts: tuple[str, ...]
    """The ETags of the parts, in order."""
    size: int
    """The size of the output in bytes."""
    crc32: int
    """The CRC-32 of all bytes of the output."""

    def encode(self) -> bytes:
        """Return the receipt as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes, uri: str) -> UploadReceipt:
        """Return the receipt in ``data``, the content of ``uri``.

        Raise ObjectNotFound if ``data`` is not a receipt: without it the output is lost and the task has to run again.
        """
        try:
            fields: Mapping[str, Any] = json.loads(data)
            return cls(
                target=fields["target"],
                upload=fields["upload"],
                parts=tuple(fields["parts"]),
                size=fields["size"],
                crc32=fields["crc32"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ObjectNotFound(f"{uri}: damaged: it is not a receipt") from error

    @property
    def multipart(self) -> dict[str, Any]:
        """Return the parts in the form that CompleteMultipartUpload takes."""
        return {"Parts": [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(self.parts, 1)]}


class StagedUpload(StagedOutput):
    """A staged output whose upload begins with the first full part, or with ``seal``.

    A small output takes three requests, one after the other.
    """

    def __init__(self, client: S3Client, staged: str, target: str, scratch: str | None = None) -> None:
        self._client = client
        self._staged = staged
        self._target = target
        self._bucket, self._key = split_uri(target)
        self._upload: str | None = None
        self._scratch = scratch
        self._part = Part(part_bytes(1), scratch)
        self._sent: list[Promise[str]] = []
        self._crew = Crew(IN_FLIGHT)
        self._bytes = 0
        self._crc32 = 0
        self._records = 0
        self._has_receipt = False
        self._waiter = Waiter(NOBODY)

    def fileno(self) -> None:
        return None

    def write(self, data: bytes | bytearray) -> None:
        self._bytes += len(data)
        self._crc32 = zlib.crc32(data, self._crc32)
        self._records += data.count(b"\n")
        left = memoryview(data)
        while left:
            room = self._part.room
            self._part.add(left[:room])
            left = left[room:]
            if left:
                self._send()
                self._part = Part(part_bytes(len(self._sent) + 1), self._scratch)

    def seal(self) -> Receipt:
        upload = self._begun()
        if self._sent:
            self._send()
            parts = [part.result() for part in self._sent]
        else:  # an empty output also has one part: S3 does not complete an upload without parts
            parts = [self._send_part(upload, 1, self._part, self._waiter)]
        self._crew.close()
        receipt = UploadReceipt(
            target=self._target, upload=upload, parts=tuple(parts), size=self._bytes, crc32=self._crc32
        )
        bucket, key = split_uri(self._staged)
        self._has_receipt = True
        self._client.call("put_object", uri=self._staged, Bucket=bucket, Key=key, Body=receipt.encode())
        return Receipt(
            staged=self._staged,
            target=self._target,
            bytes=self._bytes,
            crc32=self._crc32,
            records=self._records,
        )

    def abandon(self) -> None:
        """Abort the upload and delete the receipt.

        The caller abandons an output because of an error of its own, which must not be hidden. So if S3 does not
        answer, do not raise an error: the end of the job removes the upload.
        """
        self._crew.close()
        self._crew.wait()  # a part that arrives after the upload was aborted might stay in the bucket
        self._part.close()
        with suppress(StorageUnavailable):
            if self._upload is not None:
                abort_upload(self._client, self._target, self._upload, LISTING_PATIENCE)
                self._upload = None
            if self._has_receipt:
                bucket, key = split_uri(self._staged)
                self._client.call("delete_object", uri=self._staged, patience=LISTING_PATIENCE, Bucket=bucket, Key=key)
                self._has_receipt = False

    def _send(self) -> None:
        """Send the current part. Raise the error of an earlier part that could not be sent."""
        number = len(self._sent) + 1
        if number > MOST_PARTS:
            raise StorageError(f"{self._target}: larger than the 5 TiB that S3 allows: use more partitions")
        upload = self._begun()
        if number > IN_FLIGHT:
            self._sent[number - IN_FLIGHT - 1].result()
        part = self._part
        self._sent.append(self._crew.submit(lambda waiter: self._send_part(upload, number, part, waiter)))

    def _begun(self) -> str:
        if self._upload is None:
            metadata = {OWNER: owner_of(self._staged)}
            self._upload = self._call("create_multipart_upload", self._waiter, Metadata=metadata)["UploadId"]
        return self._upload

    def _send_part(self, upload: str, number: int, part: Part, waiter: Waiter) -> str:
        try:
            tag: str = self._call("upload_part", waiter, UploadId=upload, PartNumber=number, Body=part.body())["ETag"]
        except ObjectNotFound as error:
            raise StorageUnavailable(
                f"{error}: it was aborted while it was written: look for a rule of the bucket that aborts uploads"
            ) from error
        finally:
            part.close()
        return tag

    def _call(self, operation: str, waiter: Waiter, **parameters: Any) -> dict[str, Any]:
        return self._client.call(
            operation, uri=self._target, waiter=waiter, Bucket=self._bucket, Key=self._key, **parameters
        )


def abort_upload(client: S3Client, target: str, upload: str, patience: Patience = CALL_PATIENCE) -> None:
    """Abort an upload. Do nothing if the upload does not exist any more, or is completed."""
    bucket, key = split_uri(target)
    with suppress(ObjectNotFound):
        client.call("abort_multipart_upload", uri=target, patience=patience, Bucket=bucket, Key=key, UploadId=upload)
