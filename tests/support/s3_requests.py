"""The parser of S3 requests: the operation in the first line and the headers, and the kind in which it is billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

BILLED = {
    "GetObject": "get",
    "HeadObject": "get",
    "HeadBucket": "get",
    "DeleteObject": "delete",
    "DeleteObjects": "delete",
    "AbortMultipartUpload": "delete",
}
"""As Amazon's price list has it: deletions are free; all else is ``put``, which is PUT, COPY, POST and LIST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    number: int
    """From 0, in the order in which they came."""
    operation: str
    """By its name in Amazon's reference: PutObject."""
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Their names in small letters."""
    port: int = 0
    """The client's end of the connection."""

    @property
    def billed(self) -> str:
        return BILLED.get(self.operation, "put")

    @property
    def is_read(self) -> bool:
        """Return whether the request changes nothing, so that a lost answer has the effect of a lost request."""
        return self.operation.startswith(("Get", "Head", "List"))


def read(number: int, method: str, target: str, headers: Mapping[str, str], port: int = 0) -> Request:
    """Return the request. ``target`` is the target in the first line, with the bucket in the path."""
    parts = urlsplit(target if target.startswith("http") else f"http://server{target}")
    bucket, _, key = parts.path.removeprefix("/").partition("/")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    small = {name.lower(): value for name, value in headers.items()}
    return Request(
        number=number,
        operation=_operation(method, bucket, key, query, small),
        bucket=unquote(bucket),
        key=unquote(key),
        query=query,
        headers=small,
        port=port,
    )


def _operation(method: str, bucket: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    if not bucket:
        return "ListBuckets"
    if not key:
        return _of_bucket(method, query)
    if "uploadId" in query:
        names = {
            "GET": "ListParts",
            "PUT": "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
        }
        return names[method]
    if method == "POST":
        return "CreateMultipartUpload" if "uploads" in query else "PostObject"
    if method == "PUT" and "x-amz-copy-source" in headers:
        return "CopyObject"
    return f"{method.capitalize()}Object"


def _of_bucket(method: str, query: Mapping[str, str]) -> str:
    if method == "POST" and "delete" in query:
        return "DeleteObjects"
    if method != "GET":
        return f"{ {'PUT': 'Create'}.get(method, method.capitalize()) }Bucket"
    if "uploads" in query:
        return "ListMultipartUploads"
    if query.get("list-type") == "2":
        return "ListObjectsV2"
    others = [name for name in ("versions", "location", "versioning") if name in query]
    return f"GetBucket{others[0].capitalize()}" if others else "ListObjects"
