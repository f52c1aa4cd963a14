"""Fixtures of storage tests in S3: all tests share a proxy and a client, and each test has a bucket of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.s3 import S3Storage
from tests.storage.s3_place import Place
from tests.support.s3_faults import nothing
from tests.support.s3_proxy import S3Proxy, proxying
from tests.support.s3_server import Bucket, S3Server


@pytest.fixture(scope="session")
def shared_proxy(s3_server: S3Server) -> Iterator[S3Proxy]:
    with proxying(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def shared_client(shared_proxy: S3Proxy) -> S3Client:
    return S3Client(S3Config(endpoint=shared_proxy.endpoint))


@pytest.fixture
def proxy(shared_proxy: S3Proxy) -> Iterator[S3Proxy]:
    shared_proxy.forget()
    yield shared_proxy
    shared_proxy.policy = nothing


@pytest.fixture
def place(bucket: Bucket, proxy: S3Proxy, shared_client: S3Client) -> Place:
    """Return an output in the bucket whose storage uses the proxy."""
    return Place(bucket=bucket, client=shared_client, storage=S3Storage(shared_client))
