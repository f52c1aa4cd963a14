"""A real S3 server for tests, and a bucket of its own for each of them.

The server is the one that KUBEMR_TEST_S3_ENDPOINT names (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION go
with it), else a MinIO that testcontainers starts. Where neither is there, its tests are skipped with the reason; with
KUBEMR_TEST_S3_REQUIRED=1, which CI sets, that is an error instead.
"""

from __future__ import annotations

import os
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.docker import INSTALL, first_line, why_no_docker
from tests.support.skips import skip

MINIO = "minio/minio:RELEASE.2025-04-22T22-12-26Z"
START_SECONDS = 60
NAMED = "KUBEMR_TEST_S3_ENDPOINT=http://HOST:PORT AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"
PROVIDE = f"{INSTALL}, or {NAMED} make test"


class NoServer(Exception):
    """Why there is none."""


@dataclass(frozen=True, kw_only=True)
class S3Server:
    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with the credentials, without the endpoint. The developer's profile has no effect."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, *, tries: int = 3) -> Any:
        """A boto3 client apart from ours, to see what is really there."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"total_max_attempts": tries},
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """An empty bucket, and what tests look at and plant in it past our own code."""

    name: str
    server: S3Server
    client: Any = field(repr=False)

    @property
    def uri(self) -> str:
        """Without a slash at its end."""
        return f"s3://{self.name}"

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def uploads(self, prefix: str = "") -> list[tuple[str, str]]:
        """Key and id of each upload that is neither completed nor aborted."""
        found: list[tuple[str, str]] = []
        more: dict[str, str] = {}
        while True:
            page = self.client.list_multipart_uploads(Bucket=self.name, Prefix=prefix, **more)
            listed = [(item["Key"], item["UploadId"]) for item in page.get("Uploads", ())]
            if not page.get("IsTruncated"):
                return [*found, *listed]
            whole = [upload for upload in listed if upload[0] < listed[-1][0]]
            assert whole, f"over 1,000 uploads for {listed[-1][0]}"
            found += whole  # the last key comes again: some servers begin a page only after a key
            more = {"KeyMarker": whole[-1][0]}

    def get(self, key: str) -> bytes:
        with self.client.get_object(Bucket=self.name, Key=key)["Body"] as body:
            content: bytes = body.read()
            return content

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def delete(self, *keys: str) -> None:
        for first in range(0, len(keys), 1000):
            names = [{"Key": key} for key in keys[first : first + 1000]]
            self.client.delete_objects(Bucket=self.name, Delete={"Objects": names, "Quiet": True})

    def clear(self) -> None:
        for key, upload in self.uploads():
            self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
        self.delete(*self.keys())

    @contextmanager
    def away(self) -> Iterator[None]:
        """Somebody has deleted it; afterwards there is an empty one of its name."""
        self.clear()
        self.client.delete_bucket(Bucket=self.name)
        try:
            yield
        finally:
            self.client.create_bucket(Bucket=self.name)


@contextmanager
def new_bucket(server: S3Server, client: Any) -> Iterator[Bucket]:
    bucket = Bucket(name=f"kubemr-test-{uuid.uuid4().hex[:16]}", server=server, client=client)
    client.create_bucket(Bucket=bucket.name)
    try:
        yield bucket
    finally:
        bucket.clear()
        client.delete_bucket(Bucket=bucket.name)


@contextmanager
def running_server(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """The server that the environment names, or a MinIO for as long as this lasts. Raises NoServer."""
    with ExitStack() as stack:
        is_named = bool(environ.get("KUBEMR_TEST_S3_ENDPOINT"))
        server = _named(environ) if is_named else stack.enter_context(_minio())
        _until_ready(server, seconds=0 if is_named else START_SECONDS)
        yield server


@pytest.fixture(scope="session")
def s3_server(developer_environment: Mapping[str, str]) -> Iterator[S3Server]:
    """The S3 server of the tests. From now on its credentials are in the environment of this process."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_server(developer_environment))
        except NoServer as reason:
            if developer_environment.get("KUBEMR_TEST_S3_REQUIRED") == "1":
                raise
            skip("no S3 server", why=str(reason), command=PROVIDE)
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in server.environment.items():
            environment.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def s3_test_client(s3_server: S3Server) -> Iterator[Any]:
    """Making a boto3 client takes 0.3 s: one serves all buckets."""
    with closing(s3_server.client()) as client:
        yield client


@pytest.fixture
def bucket(s3_server: S3Server, s3_test_client: Any) -> Iterator[Bucket]:
    """A fresh bucket, removed with all that is in it afterwards."""
    with new_bucket(s3_server, s3_test_client) as bucket:
        yield bucket


def _named(environ: Mapping[str, str]) -> S3Server:
    endpoint = environ["KUBEMR_TEST_S3_ENDPOINT"].rstrip("/")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not environ.get(name):
            raise NoServer(f"KUBEMR_TEST_S3_ENDPOINT is {endpoint}, but {name} is not set")
    return S3Server(
        endpoint=endpoint,
        access_key=environ["AWS_ACCESS_KEY_ID"],
        secret_key=environ["AWS_SECRET_ACCESS_KEY"],
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
    )


@contextmanager
def _minio() -> Iterator[S3Server]:
    reason = why_no_docker()
    if reason:
        raise NoServer(f"KUBEMR_TEST_S3_ENDPOINT is not set, and Docker cannot start MinIO: {reason}")
    key, secret = "kubemr-test", uuid.uuid4().hex
    with ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # testcontainers' own
            try:
                from testcontainers.core.container import DockerContainer

                container = DockerContainer(MINIO).with_command("server /data").with_exposed_ports(9000)
                container = container.with_env("MINIO_ROOT_USER", key).with_env("MINIO_ROOT_PASSWORD", secret)
                container = stack.enter_context(container)
                endpoint = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(9000)}"
            except Exception as error:  # noqa: BLE001 - whatever it is, it is why there is no server
                reason = first_line(str(error)) or type(error).__name__
                raise NoServer(
                    f"KUBEMR_TEST_S3_ENDPOINT is not set, and Docker cannot start {MINIO}: {reason}"
                ) from None
        yield S3Server(endpoint=endpoint, access_key=key, secret_key=secret)


def _until_ready(server: S3Server, *, seconds: float) -> None:
    """A named server has to answer at once; one that was just started is waited for."""
    from botocore.exceptions import BotoCoreError, ClientError

    deadline = time.monotonic() + seconds
    with closing(server.client()) as client:
        while True:
            try:
                client.list_buckets()
                return
            except (BotoCoreError, ClientError) as error:
                if isinstance(error, ClientError) or time.monotonic() > deadline:
                    raise NoServer(f"{server.endpoint}: {error}") from None
                time.sleep(0.2)
