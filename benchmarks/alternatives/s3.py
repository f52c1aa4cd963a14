"""Does one step of a benchmark with S3, by our code or by boto3: ``s3.py STEP URI [ARGUMENT]``.

A measured step writes its seconds to the file that SECONDS names, because the start of Python and the import of boto3
must not count. The environment has AWS_ENDPOINT_URL and the credentials.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.net.s3_client import client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_read import read_range


def connect() -> Any:
    """Return a client of boto3."""
    config = Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=32,
    )
    return boto3.client("s3", config=config)


@contextmanager
def timed() -> Iterator[None]:
    """Write the seconds of the block to the file that SECONDS names."""
    begin = time.perf_counter()
    yield
    Path(os.environ["SECONDS"]).write_text(f"{time.perf_counter() - begin}")  # noqa: TID251 - a program of its own


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of a URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def read_ours(uri: str) -> None:
    """Read an object by our code."""
    client = client_for(S3Config())
    bucket, key = split(uri)
    found = client.call("head_object", uri=uri, Bucket=bucket, Key=key)
    with open("/dev/null", "wb", buffering=0) as out, timed():
        out.writelines(read_range(client, uri, 0, found["ContentLength"], if_match=found["ETag"]))


def read_boto3(uri: str) -> None:
    """Read an object by boto3."""
    client = connect()
    bucket, key = split(uri)
    client.head_object(Bucket=bucket, Key=key)
    with open("/dev/null", "wb", buffering=0) as out, timed():
        client.download_fileobj(bucket, key, out)


def list_ours(uri: str, count: str) -> None:
    """List the objects below a prefix by our code, as ``plan`` and the planner do."""
    client_for(S3Config()).call("head_bucket", uri=uri, Bucket=split(uri)[0])
    with timed():
        found = list_inputs([uri], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=S3Config())
    assert len(found) == int(count), len(found)


def list_boto3(uri: str, count: str) -> None:
    """List the objects below a prefix by boto3."""
    client = connect()
    bucket, prefix = split(uri)
    client.head_bucket(Bucket=bucket)
    with timed():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = sum(len(page.get("Contents", ())) for page in pages)
    assert found == int(count), found


def put(uri: str, path: str) -> None:
    """Upload a file."""
    bucket, key = split(uri)
    connect().upload_file(path, bucket, key)


def put_large(uri: str, size: str) -> None:
    """Upload an object of ``size`` bytes: one random block, repeated."""
    bucket, key = split(uri)
    block = os.urandom(64 << 20)
    client = connect()
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    of = {"Bucket": bucket, "Key": key, "UploadId": upload}
    parts: list[dict[str, Any]] = []
    left = int(size)
    while left:
        body = block[:left]
        number = len(parts) + 1
        answer = client.upload_part(**of, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        left -= len(body)
    client.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})


def put_many(uri: str, count: str) -> None:
    """Upload ``count`` objects of two bytes below a prefix."""
    bucket, prefix = split(uri)
    client = connect()

    def put_one(number: int) -> None:
        client.put_object(Bucket=bucket, Key=f"{prefix}{number:07d}", Body=b"x\n")

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(put_one, range(int(count))):
            pass


def clear(uri: str) -> None:
    """Remove all objects and uploads below a prefix."""
    client = connect()
    bucket, prefix = split(uri)
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Uploads", ()):
            client.abort_multipart_upload(Bucket=bucket, Key=item["Key"], UploadId=item["UploadId"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        names = [{"Key": item["Key"]} for item in page.get("Contents", ())]
        if names:
            client.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True})


STEPS: dict[str, Callable[..., None]] = {
    "read-ours": read_ours,
    "read-boto3": read_boto3,
    "list-ours": list_ours,
    "list-boto3": list_boto3,
    "put": put,
    "put-large": put_large,
    "put-many": put_many,
    "clear": clear,
}
"""The functions of the steps, by name."""

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
