"""Tests of requests to a real server: answers, retries and their duration, the rate limit, and counts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.errors import ObjectNotFound, PreconditionFailed, StorageUnavailable
from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import Cancelled, Waiter
from tests.support import s3_faults
from tests.support.s3_faults import Rule, Rules
from tests.support.s3_proxy import S3Proxy, proxying
from tests.support.s3_server import Bucket

QUICK = replace(CALL_PATIENCE, first_pause=0.001, longest_pause=0.01)


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    with proxying(bucket.server.endpoint) as proxy:
        yield proxy


def call(client: S3Client, operation: str, bucket: Bucket, **parameters: Any) -> dict[str, Any]:
    parameters.setdefault("patience", QUICK)
    uri = f"{bucket.uri}/{parameters.get('Key', '')}"
    return client.call(operation, uri=uri, Bucket=bucket.name, **parameters)


class TestAnswers:
    def test_bytes_come_back_as_they_were_put(self, bucket: Bucket) -> None:
        client = S3Client(S3Config(endpoint=bucket.server.endpoint))
        call(client, "put_object", bucket, Key="über/a b+c", Body=b"\0\xff")
        assert bucket.get("über/a b+c") == b"\0\xff"
        assert call(client, "get_object", bucket, Key="über/a b+c")["Body"].read() == b"\0\xff"

    def test_conditions(self, bucket: Bucket) -> None:
        client = S3Client(S3Config(endpoint=bucket.server.endpoint))
        tag = call(client, "put_object", bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
        with pytest.raises(PreconditionFailed, match=f"^{bucket.uri}/k: "):
            call(client, "put_object", bucket, Key="k", Body=b"2", IfNoneMatch="*")
        call(client, "put_object", bucket, Key="k", Body=b"3", IfMatch=tag)
        with pytest.raises(PreconditionFailed):
            call(client, "get_object", bucket, Key="k", IfMatch=tag)
        assert bucket.get("k") == b"3"

    def test_an_endpoint_of_the_environment_is_used_and_has_the_bucket_in_the_path(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server.endpoint)
        call(S3Client(S3Config()), "put_object", bucket, Key="k", Body=b"1")
        assert bucket.keys() == ["k"]

    def test_requester_pays_is_said_by_reads_only(self, bucket: Bucket, proxy: S3Proxy) -> None:
        client = S3Client(S3Config(endpoint=proxy.endpoint, requester_pays=True))
        call(client, "put_object", bucket, Key="k", Body=b"1")
        assert call(client, "get_object", bucket, Key="k")["Body"].read() == b"1"
        call(client, "list_objects_v2", bucket)
        said = [logged.request.headers.get("x-amz-request-payer") for logged in proxy.log]
        assert said == [None, "requester", "requester"]

    def test_many_threads_share_a_client(self, bucket: Bucket) -> None:
        client = S3Client(S3Config(endpoint=bucket.server.endpoint))
        names = [f"k{number:02}" for number in range(40)]
        threads = [
            threading.Thread(
                target=lambda mine: [call(client, "put_object", bucket, Key=name, Body=b"1") for name in mine],
                args=(names[first::8],),
            )
            for first in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert bucket.keys() == names
        assert client.counts.operations() == {"put_object": 40}


class TestTrouble:
    @pytest.mark.parametrize(
        "fault",
        [
            s3_faults.SLOW_DOWN,
            s3_faults.UNAVAILABLE,
            s3_faults.INTERNAL,
            s3_faults.CLOSED,
            s3_faults.CUT_REQUEST,
            s3_faults.LOST,
            s3_faults.LOST_500,
        ],
        ids=lambda fault: fault.name,
    )
    def test_what_may_be_over_soon_is_tried_again(self, bucket: Bucket, proxy: S3Proxy, fault: s3_faults.Fault) -> None:
        proxy.policy = Rules(Rule(fault, times=3))
        client = S3Client(S3Config(endpoint=proxy.endpoint))
        call(client, "put_object", bucket, Key="k", Body=b"content")
        assert bucket.get("k") == b"content"
        assert client.counts.retries == 3
        assert client.counts.operations() == {"put_object": 4}
        assert client.counts.throttled == (3 if fault.status == 503 else 0)

    def test_a_server_that_asks_for_time_gets_it(self, bucket: Bucket, proxy: S3Proxy) -> None:
        proxy.policy = Rules(Rule(s3_faults.TOO_MANY))
        client = S3Client(S3Config(endpoint=proxy.endpoint))
        begin = time.monotonic()
        call(client, "list_objects_v2", bucket)
        assert time.monotonic() - begin >= 1
        assert client.counts.throttled == 1

    def test_what_cannot_be_over_soon_is_not_tried_again(self, bucket: Bucket, proxy: S3Proxy) -> None:
        client = S3Client(S3Config(endpoint=proxy.endpoint))
        with pytest.raises(ObjectNotFound):
            call(client, "get_object", bucket, Key="none")
        assert client.counts.operations() == {"get_object": 1}
        assert client.counts.retries == 0

    def test_a_server_that_throttles_for_ever_ends_with_the_budget(self, bucket: Bucket, proxy: S3Proxy) -> None:
        proxy.policy = Rules(Rule(s3_faults.SLOW_DOWN, times=None))
        client = S3Client(S3Config(endpoint=proxy.endpoint))
        with pytest.raises(
            StorageUnavailable, match=r"answered SlowDown.*, tried for \d s: try later, or .* s3\.maxRequestsPerSecond$"
        ):
            call(client, "list_objects_v2", bucket, patience=Patience(budget=2, first_pause=0.5))
        assert client.counts.throttled == client.counts.operations()["list_objects_v2"] > 1

    def test_a_completion_may_take_longer_than_other_answers(self, bucket: Bucket) -> None:
        client = S3Client(S3Config(endpoint=bucket.server.endpoint))
        slow, quick = client._connected(is_slow=True), client._connected(is_slow=False)
        assert slow.meta.config.read_timeout > quick.meta.config.read_timeout
        of: dict[str, Any] = {"Bucket": bucket.name, "Key": "k"}
        upload = call(client, "create_multipart_upload", bucket, Key="k")["UploadId"]
        tag = call(client, "upload_part", bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        call(client, "complete_multipart_upload", bucket, Key="k", UploadId=upload, MultipartUpload=parts)
        assert bucket.client.head_object(**of)["ContentLength"] == 0

    def test_a_cancel_ends_the_pause_before_another_try(self, bucket: Bucket, proxy: S3Proxy) -> None:
        cancel = os.eventfd(0)
        try:
            proxy.policy = Rules(Rule(s3_faults.kill(lambda _: os.eventfd_write(cancel, 1), after=False), times=None))
            client = S3Client(S3Config(endpoint=proxy.endpoint))
            patience = Patience(budget=1000, first_pause=600, longest_pause=600)
            with pytest.raises(Cancelled):
                call(client, "list_objects_v2", bucket, patience=patience, waiter=Waiter(cancel))
        finally:
            os.close(cancel)


class TestLimit:
    def test_requests_of_all_threads_are_as_far_apart_as_the_limit_wants(self, bucket: Bucket) -> None:
        client = S3Client(S3Config(endpoint=bucket.server.endpoint, max_requests_per_second=50))
        call(client, "list_objects_v2", bucket)  # connects
        begin = time.monotonic()
        threads = [
            threading.Thread(target=lambda: [call(client, "list_objects_v2", bucket) for _ in range(5)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - begin >= 19 / 50

    def test_a_cancel_ends_the_wait_for_a_turn(self, bucket: Bucket) -> None:
        client = S3Client(S3Config(endpoint=bucket.server.endpoint, max_requests_per_second=0.001))
        call(client, "list_objects_v2", bucket)
        cancel = os.eventfd(1)
        try:
            with pytest.raises(Cancelled):
                call(client, "list_objects_v2", bucket, waiter=Waiter(cancel))
        finally:
            os.close(cancel)


def test_an_answer_that_makes_up_for_another_counts_as_a_retry(bucket: Bucket) -> None:
    client = S3Client(S3Config(endpoint=bucket.server.endpoint))
    call(client, "list_objects_v2", bucket, again=True)
    assert client.counts.retries == 1


def test_nothing_of_botocore_is_imported_before_the_first_call() -> None:
    program = (
        "import sys\n"
        "from kubemr_shell.net import s3_config, s3_client, s3_read\n"
        "s3_client.client_for(s3_config.S3Config(endpoint='http://127.0.0.1:1'))\n"
        "sys.exit(' '.join(sorted(name for name in sys.modules if name in ('boto3', 'botocore', 'urllib3'))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
