"""Tests of credentials that are replaced while a job runs: reload, wait, report, and an error if they stay wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemr_shell.errors import CredentialsRefused, Forbidden, Sequel
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_keys import Keys, read_keys
from kubemr_shell.waits import refusals
from kubemr_shell.waits.refusals import TOLD_FROM
from tests.support.s3_faults import Fault, Rule, Rules
from tests.support.s3_proxy import S3Proxy, proxying
from tests.support.s3_server import Bucket

UNKNOWN_KEY = Fault(name="refused", status=403, code="InvalidAccessKeyId")
EXPIRED = Fault(name="refused", status=400, code="ExpiredToken")
NO_RIGHT = Fault(name="refused", status=403, code="AccessDenied")
LONG_SECONDS = 1e6


@pytest.fixture
def proxy(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    monkeypatch.setattr(refusals, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(refusals, "LONGEST_PAUSE_SECONDS", 0.001)
    bucket.put("k", b"content")
    with proxying(bucket.server.endpoint) as proxy:
        yield proxy


def client_of(proxy: S3Proxy, *, keys: Path | None = None, seconds: float = LONG_SECONDS) -> S3Client:
    return S3Client(S3Config(endpoint=proxy.endpoint, keys=str(keys) if keys else None, refused_seconds=seconds))


def size(client: S3Client, bucket: Bucket, key: str = "k") -> int:
    head = client.call("head_object", uri=f"{bucket.uri}/{key}", Bucket=bucket.name, Key=key)
    length: int = head["ContentLength"]
    return length


def write_keys(folder: Path, access_key: str, secret_key: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "AWS_ACCESS_KEY_ID").write_text(access_key)
    (folder / "AWS_SECRET_ACCESS_KEY").write_text(f"{secret_key}\n")
    return folder


@pytest.mark.parametrize("fault", [UNKNOWN_KEY, EXPIRED])
@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_credentials_that_are_refused_for_a_while_are_waited_for(
    bucket: Bucket, proxy: S3Proxy, fault: Fault, operation: str
) -> None:
    client = client_of(proxy)
    told: list[str | None] = []
    assert size(client, bucket) == 7
    client.tell = told.append
    # What HEAD refuses is followed by a list, whose answer says why, and of botocore's by a look for the region.
    proxy.policy = Rules(Rule(fault, times=5 if operation == "get_object" else 16))
    answer = client.call(operation, uri=f"{bucket.uri}/k", Bucket=bucket.name, Key="k")
    assert answer["ContentLength"] == 7
    if "Body" in answer:
        assert answer["Body"].read() == b"content"  # else the garbage collector finds an open connection
    assert told[-1] is None
    assert told[0] is not None
    assert told[0].startswith(f"refused, trying again for up to 1000000 s: {bucket.uri}/k: the ")
    assert len(told) >= 5 - TOLD_FROM + 1


def test_keys_that_were_replaced_in_their_files_are_read_again(
    bucket: Bucket, proxy: S3Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = bucket.server.access_key, bucket.server.secret_key
    keys = write_keys(tmp_path / "keys", right[0], "wrong")
    client = client_of(proxy, keys=keys)
    assert size(client, bucket) == 7
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "those of the start")

    def replaced(text: str | None) -> None:
        if text is not None:
            write_keys(keys, *right)

    client.tell = replaced
    client.reconnect()
    assert size(client, bucket) == 7
    assert proxy.counts()["HeadObject"] > TOLD_FROM


def test_refusals_that_last_are_an_error_that_says_how_long(bucket: Bucket, proxy: S3Proxy) -> None:
    client = client_of(proxy, seconds=0.01)
    assert size(client, bucket) == 7
    proxy.policy = Rules(Rule(UNKNOWN_KEY, times=None))
    with pytest.raises(Forbidden, match=r"^refused for [0-9]+ s: .*/k: the access key is not known") as caught:
        size(client, bucket)
    assert caught.value.sequel is Sequel.GOES_ON


def test_without_a_time_to_wait_the_credentials_are_read_again_once(bucket: Bucket, proxy: S3Proxy) -> None:
    client = client_of(proxy, seconds=0)
    assert size(client, bucket) == 7
    proxy.policy = Rules(Rule(UNKNOWN_KEY, operation="GetObject", times=1))
    answer = client.call("get_object", uri=f"{bucket.uri}/k", Bucket=bucket.name, Key="k")
    assert answer["Body"].read() == b"content"
    proxy.policy = Rules(Rule(UNKNOWN_KEY, operation="GetObject", times=2))
    with pytest.raises(CredentialsRefused):
        client.call("get_object", uri=f"{bucket.uri}/k", Bucket=bucket.name, Key="k")


def test_credentials_that_never_worked_are_said_at_once(bucket: Bucket, proxy: S3Proxy) -> None:
    proxy.policy = Rules(Rule(UNKNOWN_KEY, times=None))
    with pytest.raises(CredentialsRefused, match="the access key is not known"):
        client_of(proxy).call("get_object", uri=f"{bucket.uri}/k", Bucket=bucket.name, Key="k")
    assert proxy.faults() == {"refused": 1}


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_a_right_that_is_missing_is_said_at_once(bucket: Bucket, proxy: S3Proxy, operation: str) -> None:
    client = client_of(proxy)
    assert size(client, bucket) == 7
    proxy.policy = Rules(Rule(NO_RIGHT, key="k", times=None))
    with pytest.raises(Forbidden, match=f"/k: no permission for {operation}"):
        client.call(operation, uri=f"{bucket.uri}/k", Bucket=bucket.name, Key="k")
    assert proxy.faults() == {"refused": 1}


def test_keys_are_in_files_without_the_line_breaks_at_their_ends(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert read_keys(str(folder)) is None
    write_keys(folder, "a", "b")
    assert read_keys(str(folder)) == Keys(access_key="a", secret_key="b", session_token=None)
    (folder / "AWS_SESSION_TOKEN").write_text("c\r\n")
    assert read_keys(str(folder)) == Keys(access_key="a", secret_key="b", session_token="c")
    (folder / "AWS_SECRET_ACCESS_KEY").write_text("\n")
    assert read_keys(str(folder)) is None
