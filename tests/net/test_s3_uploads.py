"""Tests that the list of uploads returns each upload once, page after page."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kubemr_shell.errors import ObjectNotFound
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uploads import list_uploads
from tests.support.s3_server import Bucket, S3Server

KEYS = ["a/1", "a/1", "a/2", "a/3", "a/3", "a/3", "a/4", "b/1"]


@pytest.mark.parametrize("page_uploads", [4, 5, 6, 7, 1000])
def test_each_is_listed_once_in_the_order_of_keys(bucket: Bucket, page_uploads: int) -> None:
    begun = {
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]: key for key in reversed(KEYS)
    }
    client = S3Client(S3Config(endpoint=bucket.server.endpoint))
    for prefix in ("", "a/", "a/3"):
        listed = list(list_uploads(client, bucket.name, prefix, page_uploads=page_uploads))
        assert {upload.id: upload.key for upload in listed} == {
            id_: key for id_, key in begun.items() if key.startswith(prefix)
        }
        assert len({upload.id for upload in listed}) == len(listed)
        assert all(one.key <= other.key for one, other in pairwise(listed))


def test_they_may_be_aborted_as_they_come(bucket: Bucket) -> None:
    for key in KEYS:
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)
    client = S3Client(S3Config(endpoint=bucket.server.endpoint))
    for upload in list_uploads(client, bucket.name, "", page_uploads=4):
        bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=upload.key, UploadId=upload.id)
    assert bucket.uploads() == []


def test_a_bucket_that_is_missing_is_named(s3_server: S3Server) -> None:
    client = S3Client(S3Config(endpoint=s3_server.endpoint))
    with pytest.raises(ObjectNotFound, match="there is no bucket kubemr-test-missing"):
        list(list_uploads(client, "kubemr-test-missing", ""))
