"""Tests of deletions of many objects, also on servers that can delete only one object with a request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubemr_shell.errors import Forbidden
from kubemr_shell.net import s3_delete
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from tests.support.s3_faults import Fault, Rule, Rules
from tests.support.s3_proxy import S3Proxy, proxying
from tests.support.s3_server import Bucket

KEYS = [f"out/{number}" for number in range(7)]


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    for key in ["kept", *KEYS]:
        bucket.put(key, b"x")
    with proxying(bucket.server.endpoint) as proxy:
        yield proxy


def delete(proxy: S3Proxy, bucket: Bucket) -> None:
    s3_delete.delete_objects(S3Client(S3Config(endpoint=proxy.endpoint)), bucket.name, KEYS)


def test_many_objects_are_removed_by_one_request(bucket: Bucket, proxy: S3Proxy) -> None:
    delete(proxy, bucket)
    delete(proxy, bucket)
    assert bucket.keys() == ["kept"]
    assert proxy.counts() == {"DeleteObjects": 2}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "MissingContentMD5"), (400, "InvalidRequest"), (405, "MethodNotAllowed"), (501, "NotImplemented")],
)
def test_a_server_that_refuses_a_list_of_keys_is_asked_for_one_after_the_other(
    bucket: Bucket, proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    monkeypatch.setattr(s3_delete, "KEYS_A_DELETION", 3)
    refusal = Fault(name="refused", status=status, code=code)
    proxy.policy = Rules(Rule(refusal, operation="DeleteObjects", times=None))
    delete(proxy, bucket)
    assert bucket.keys() == ["kept"]
    assert proxy.faults() == {"refused": 1}
    assert proxy.counts() == {"DeleteObject": len(KEYS)}


def test_a_missing_right_is_said_and_not_asked_for_again(bucket: Bucket, proxy: S3Proxy) -> None:
    refusal = Fault(name="refused", status=403, code="AccessDenied")
    proxy.policy = Rules(Rule(refusal, operation="Delete*", times=None))
    with pytest.raises(Forbidden):
        delete(proxy, bucket)
    assert proxy.faults() == {"refused": 1}
