"""Tests that the parser of list answers returns the same as botocore, except for fields that are not used."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_list_answer import read_list
from tests.support.s3_server import Bucket

KEYS = ["a.txt", "a/b%20c+d", "a/é\n<&>", "z"]


@pytest.mark.parametrize("asked", [{}, {"Delimiter": "/"}, {"MaxKeys": 2}, {"Prefix": "a/"}, {"Prefix": "none"}])
def test_an_answer_is_read_as_botocore_reads_it(bucket: Bucket, asked: dict[str, Any]) -> None:
    for key in KEYS:
        bucket.put(key, key.encode())
    ours = S3Client(S3Config(endpoint=bucket.server.endpoint)).call(
        "list_objects_v2", uri=bucket.uri, Bucket=bucket.name, **asked
    )
    theirs = bucket.client.list_objects_v2(Bucket=bucket.name, **asked)
    for name in ("IsTruncated", "CommonPrefixes", "NextContinuationToken"):
        assert ours.get(name) == theirs.get(name)
    fields = ("Key", "Size", "ETag")
    assert [[item[name] for name in fields] for item in ours.get("Contents", ())] == [
        [item[name] for name in fields] for item in theirs.get("Contents", ())
    ]


def test_an_answer_without_a_name_space_is_read_too() -> None:
    body = (
        b"<?xml version='1.0'?><ListBucketResult><IsTruncated>true</IsTruncated>"
        b"<Contents><Key>k</Key><Size>7</Size></Contents></ListBucketResult>"
    )
    answer = read_list(body)
    assert answer["Contents"] == [{"Key": "k", "Size": 7, "ETag": ""}]
    assert answer["IsTruncated"]


def test_a_refusal_stays_one(bucket: Bucket) -> None:
    client = S3Client(S3Config(endpoint=bucket.server.endpoint))._connected(is_slow=False)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        client.list_objects_v2(Bucket=f"{bucket.name}-not")
