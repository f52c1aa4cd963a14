"""Tests that a listing by several threads returns each key once and in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kubemr_shell.errors import ObjectNotFound, StorageUnavailable
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_pages import Listed, list_objects
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import Cancelled, Waiter
from tests.support.s3_faults import UNAVAILABLE
from tests.support.s3_proxy import proxying
from tests.support.s3_server import Bucket, S3Server, new_bucket

KEYS = [
    *(f"flat/part-{number:04d}.txt" for number in range(120)),
    *(f"tree/2026-0{number // 40 + 1}-{number % 40:02d}/log{number % 3}.gz" for number in range(120)),
    *(f"words/{word}/{number}" for word in ("alpha", "beta", "Gamma", "delta") for number in range(15)),
    *(f"hash/{number * 2654435761 % 2**32:08x}" for number in range(100)),
    *(f"odd/{name}" for name in ("a b", "a%20b", "a+b", "é", "😀", "z\n", "~", "!")),
]


@pytest.fixture(scope="module")
def full(s3_server: S3Server) -> Iterator[Bucket]:
    """Give a bucket with all keys of the test."""
    client = s3_server.client()
    with new_bucket(s3_server, client) as bucket, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: bucket.put(key, key.encode()), KEYS))
        yield bucket


def client_of(bucket: Bucket, endpoint: str | None = None) -> S3Client:
    return S3Client(S3Config(endpoint=endpoint or bucket.server.endpoint))


@pytest.mark.parametrize("page_keys", [1, 2, 7, 40, 1000])
def test_pages_in_parallel_give_each_key_once_and_in_order(full: Bucket, page_keys: int) -> None:
    client = client_of(full)
    for prefix in ("", "flat/", "tree/2026-0", "words/", "hash/", "hash/0", "odd/", "none"):
        found = list_objects(client, full.name, prefix, page_keys=page_keys)
        assert [item.key for item in found] == sorted(key for key in KEYS if key.startswith(prefix))


def test_an_object_has_its_size_and_etag(full: Bucket) -> None:
    (found,) = list_objects(client_of(full), full.name, "flat/part-0007")
    head = full.client.head_object(Bucket=full.name, Key=found.key)
    assert found == Listed("flat/part-0007.txt", head["ContentLength"], head["ETag"])


@pytest.mark.parametrize("prefix", ["flat/", "tree/", "hash/"])
def test_looking_ahead_costs_few_requests_more(full: Bucket, prefix: str) -> None:
    client = client_of(full)
    found = list_objects(client, full.name, prefix, page_keys=5)
    assert client.counts.operations()["list_objects_v2"] <= 2 * (len(found) / 5) + 8


def test_what_fits_a_page_takes_one_request(full: Bucket) -> None:
    client = client_of(full)
    list_objects(client, full.name, "")
    assert client.counts.operations() == {"list_objects_v2": 1}


def test_only_what_is_wanted_is_kept(full: Bucket) -> None:
    found = list_objects(client_of(full), full.name, "", wanted=lambda item: item.key.endswith("7.txt"), page_keys=9)
    assert len(found) == 12


def test_a_missing_bucket_is_named(full: Bucket) -> None:
    with pytest.raises(ObjectNotFound, match=f"there is no bucket {full.name}-not"):
        list_objects(client_of(full), f"{full.name}-not", "")


def test_a_server_that_refuses_pages_now_and_then_loses_no_key(full: Bucket) -> None:
    with proxying(full.server.endpoint) as proxy:
        proxy.policy = lambda request: UNAVAILABLE if request.number % 3 == 1 else None
        found = list_objects(client_of(full, proxy.endpoint), full.name, "", page_keys=20)
    assert [item.key for item in found] == sorted(KEYS)


def test_one_page_that_cannot_be_had_ends_it_all(full: Bucket) -> None:
    patience = Patience(budget=0.1, first_pause=0.01, longest_pause=0.02)
    with proxying(full.server.endpoint) as proxy:
        proxy.policy = lambda request: UNAVAILABLE if request.number > 3 else None
        with pytest.raises(StorageUnavailable, match="the server answered 503"):
            list_objects(client_of(full, proxy.endpoint), full.name, "", page_keys=5, patience=patience)


def test_a_cancel_ends_it(full: Bucket) -> None:
    cancel = os.eventfd(1)
    try:
        with pytest.raises(Cancelled):
            list_objects(client_of(full), full.name, "", page_keys=1, waiter=Waiter(cancel))
    finally:
        os.close(cancel)
