"""An output in a bucket, with storages for a healthy worker and for a worker that dies at a chosen request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kubemr_shell.errors import KubemrError
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.storage.interface import Receipt, Storage
from kubemr_shell.storage.s3 import S3Storage
from tests.support.s3_server import Bucket

DATA = b"one\ntwo\n"


class Died(BaseException):
    """The death of a worker. No code of the worker runs after it, not even its cleanup."""


class MortalClient(S3Client):
    """A client that dies with its request number ``last``: before the request is sent, or ``after`` its effect."""

    def __init__(self, client: S3Client, last: int, *, after: bool) -> None:
        super().__init__(client.config)
        self._client = client
        self._left = last
        self._after = after

    def call(self, operation: str, *, uri: str, **parameters: Any) -> dict[str, Any]:
        self._left -= 1
        if self._left >= 0:
            return self._client.call(operation, uri=uri, **parameters)
        if self._after:
            with suppress(KubemrError):
                self._client.call(operation, uri=uri, **parameters)
        raise Died


@dataclass(frozen=True, kw_only=True)
class Place:
    bucket: Bucket
    client: S3Client
    storage: S3Storage

    @property
    def output(self) -> str:
        return f"{self.bucket.uri}/out/put"

    def stage(self, uid: str = "uid") -> str:
        return f"{self.output}/_kubemr/{uid}/stage"

    def target(self, part: str = "part-00000") -> str:
        return f"{self.output}/{part}"

    def staged(
        self,
        data: bytes = DATA,
        *,
        uid: str = "uid",
        attempt: str = "0.0",
        part: str = "part-00000",
        storage: Storage | None = None,
    ) -> Receipt:
        output = (storage or self.storage).stage(f"{self.stage(uid)}/{attempt}", target=self.target(part))
        output.write(data)
        return output.seal()

    def published(self, part: str = "part-00000") -> bytes:
        return self.bucket.get(f"out/put/{part}")

    def mortal(self, last: int, *, after: bool) -> S3Storage:
        return S3Storage(MortalClient(self.client, last, after=after))

    def remove_job(self, uid: str = "uid") -> None:
        self.storage.delete_tree(f"{self.output}/_kubemr/{uid}")
