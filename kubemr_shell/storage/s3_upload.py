"""An output that is staged in S3: a multipart upload that is not completed, and its receipt."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from kubemr_shell.errors import ObjectNotFound, StorageError
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.storage.interface import Receipt, StagedOutput

FIRST_PART_BYTES = 8 << 20
PARTS_OF_A_SIZE = 1000
MOST_PARTS = 10_000
IN_FLIGHT = 2
"""Parts of one output that are sent while it goes on; each is in memory."""
OWNER = "kubemr"
"""The name of the metadata by which a published object is known as an attempt's."""


def part_bytes(number: int) -> int:
    """The size of part ``number``, counted from 1: it doubles each 1,000 parts, so that 10,000 are enough for 5 TiB."""
    return FIRST_PART_BYTES << ((number - 1) // PARTS_OF_A_SIZE)


def owner_of(staged: str) -> str:
    """``<job uid>/<attempt>``, from the name ``…/<job uid>/<folder>/<attempt>`` of a staged output."""
    *_, uid, _, attempt = staged.split("/")
    return f"{uid}/{attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReceipt:
    """What stands under the staged name once the output is complete."""

    target: str
    upload: str
    """Its id; it is bound to the target's key."""
    parts: tuple[str, ...]
    """ETags, in order."""
    size: int
    crc32: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes, uri: str) -> UploadReceipt:
        """ObjectNotFound for what is none: without it the output is lost, and the task has to run again."""
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
            raise ObjectNotFound(f"{uri}: damaged: it is no receipt") from error

    @property
    def multipart(self) -> dict[str, Any]:
        """As the completion wants it."""
        return {"Parts": [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(self.parts, 1)]}


class StagedUpload(StagedOutput):
    """Begun with its first full part, or when it is sealed: a small output is three requests in a row."""

    def __init__(self, client: S3Client, staged: str, target: str) -> None:
        self._client = client
        self._staged = staged
        self._target = target
        self._bucket, self._key = split_uri(target)
        self._upload: str | None = None
        self._buffer = bytearray()
        self._sent: list[Future[str]] = []
        self._senders: ThreadPoolExecutor | None = None
        self._bytes = 0
        self._crc32 = 0
        self._records = 0
        self._has_receipt = False

    def fileno(self) -> None:
        return None

    def write(self, data: bytes) -> None:
        self._bytes += len(data)
        self._crc32 = zlib.crc32(data, self._crc32)
        self._records += data.count(b"\n")
        left = memoryview(data)
        while left:
            room = part_bytes(len(self._sent) + 1) - len(self._buffer)
            self._buffer += left[:room]
            left = left[room:]
            if left:
                self._send()

    def seal(self) -> Receipt:
        self._send()  # also when nothing was written: a completion without a part is an error
        parts = tuple(part.result() for part in self._sent)
        self._close_senders()
        assert self._upload is not None
        receipt = UploadReceipt(
            target=self._target, upload=self._upload, parts=parts, size=self._bytes, crc32=self._crc32
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
        self._close_senders()
        self._buffer.clear()
        if self._upload is not None:
            abort_upload(self._client, self._target, self._upload)
            self._upload = None
        if self._has_receipt:
            bucket, key = split_uri(self._staged)
            self._client.call("delete_object", uri=self._staged, Bucket=bucket, Key=key)
            self._has_receipt = False

    def _send(self) -> None:
        """Send what is gathered as the next part; an earlier part that could not be sent is raised here."""
        number = len(self._sent) + 1
        if number > MOST_PARTS:
            raise StorageError(f"{self._target}: larger than the 5 TiB that S3 allows: use more partitions")
        if self._upload is None:
            self._upload = self._begin()
        if self._senders is None:
            self._senders = ThreadPoolExecutor(IN_FLIGHT)
        if number > IN_FLIGHT:
            self._sent[number - IN_FLIGHT - 1].result()
        body, self._buffer = self._buffer, bytearray()
        self._sent.append(self._senders.submit(self._send_part, self._upload, number, body))

    def _begin(self) -> str:
        answer = self._client.call(
            "create_multipart_upload",
            uri=self._target,
            Bucket=self._bucket,
            Key=self._key,
            Metadata={OWNER: owner_of(self._staged)},
        )
        upload: str = answer["UploadId"]
        return upload

    def _send_part(self, upload: str, number: int, body: bytearray) -> str:
        answer = self._client.call(
            "upload_part",
            uri=self._target,
            Bucket=self._bucket,
            Key=self._key,
            UploadId=upload,
            PartNumber=number,
            Body=body,
        )
        tag: str = answer["ETag"]
        return tag

    def _close_senders(self) -> None:
        if self._senders is not None:
            self._senders.shutdown(cancel_futures=True)
            self._senders = None


def abort_upload(client: S3Client, target: str, upload: str) -> None:
    """Give an upload up; nothing happens where it is gone, or completed."""
    bucket, key = split_uri(target)
    with suppress(ObjectNotFound):
        client.call("abort_multipart_upload", uri=target, Bucket=bucket, Key=key, UploadId=upload)
