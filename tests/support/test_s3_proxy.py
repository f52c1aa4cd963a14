"""Tests of the proxy: it forwards requests without faults unchanged, and applies the faults of its policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ResponseStreamingError

from tests.support import s3_faults
from tests.support.s3_faults import Fault, Rule, Rules, Seeded
from tests.support.s3_proxy import S3Proxy, proxying
from tests.support.s3_requests import Request, read
from tests.support.s3_server import Bucket

MIB = 1 << 20
BROKEN = (ConnectionClosedError, ResponseStreamingError)


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    with proxying(bucket.server.endpoint) as proxy:
        yield proxy


@pytest.fixture
def client(bucket: Bucket, proxy: S3Proxy) -> Iterator[Any]:
    """Give a boto3 client without retries that uses the proxy."""
    with closing(replace(bucket.server, endpoint=proxy.endpoint).client(tries=1)) as client:
        yield client


class TestWithoutFaults:
    def test_a_multipart_upload_goes_through_with_its_signatures(
        self, bucket: Bucket, proxy: S3Proxy, client: Any
    ) -> None:
        of = {"Bucket": bucket.name, "Key": "über/part 1+2"}
        upload = client.create_multipart_upload(**of, Metadata={"job": "uid"})["UploadId"]
        bodies = [b"a" * 5 * MIB, b"b" * 100]
        tags = [
            {
                "PartNumber": number,
                "ETag": client.upload_part(**of, UploadId=upload, PartNumber=number, Body=body)["ETag"],
            }
            for number, body in enumerate(bodies, start=1)
        ]
        client.complete_multipart_upload(**of, UploadId=upload, MultipartUpload={"Parts": tags})
        assert client.head_object(**of)["Metadata"] == {"job": "uid"}
        assert client.get_object(**of, Range="bytes=5242879-5242881")["Body"].read() == b"abb"
        assert bucket.get("über/part 1+2") == b"".join(bodies)
        assert proxy.counts() == {
            "CreateMultipartUpload": 1,
            "UploadPart": 2,
            "CompleteMultipartUpload": 1,
            "HeadObject": 1,
            "GetObject": 1,
        }
        assert proxy.counts(billed=True) == {"put": 4, "get": 2}
        assert [logged.received for logged in proxy.log if logged.request.operation == "UploadPart"] == [5 * MIB, 100]
        assert {logged.request.key for logged in proxy.log} == {"über/part 1+2"}

    def test_lists_and_deletions_go_through(self, bucket: Bucket, proxy: S3Proxy, client: Any) -> None:
        for key in ("a", "b/c", "b/d"):
            client.put_object(Bucket=bucket.name, Key=key, Body=b"x")
        page = client.list_objects_v2(Bucket=bucket.name, Prefix="b/")
        assert [item["Key"] for item in page["Contents"]] == ["b/c", "b/d"]
        names = [{"Key": item["Key"]} for item in page["Contents"]]
        client.delete_objects(Bucket=bucket.name, Delete={"Objects": names})
        client.delete_object(Bucket=bucket.name, Key="a")
        assert client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []
        assert bucket.keys() == []
        assert proxy.counts() == {
            "PutObject": 3,
            "ListObjectsV2": 1,
            "DeleteObjects": 1,
            "DeleteObject": 1,
            "ListMultipartUploads": 1,
        }

    def test_errors_of_the_server_go_through(self, bucket: Bucket, client: Any) -> None:
        with pytest.raises(ClientError, match="NoSuchKey"):
            client.get_object(Bucket=bucket.name, Key="none")
        with pytest.raises(ClientError, match="404"):
            client.head_object(Bucket=bucket.name, Key="none")


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            (s3_faults.SLOW_DOWN, 503),
            (s3_faults.UNAVAILABLE, 503),
            (s3_faults.INTERNAL, 500),
            (s3_faults.TOO_MANY, 429),
        ],
        ids=lambda value: getattr(value, "name", ""),
    )
    def test_a_refusal_has_no_effect_and_the_connection_goes_on(
        self, fault: Fault, status: int, bucket: Bucket, proxy: S3Proxy, client: Any
    ) -> None:
        proxy.policy = Rules(Rule(fault, operation="PutObject"))
        with pytest.raises(ClientError) as error:
            client.put_object(Bucket=bucket.name, Key="key", Body=b"x" * MIB)
        answer = error.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
        assert answer["Error"]["Code"] == (fault.code or str(status))
        assert answer["ResponseMetadata"]["HTTPHeaders"].get("retry-after") == ("1" if status == 429 else None)
        assert bucket.keys() == []
        assert not proxy.counts()
        client.put_object(Bucket=bucket.name, Key="key", Body=b"y")
        assert bucket.get("key") == b"y"

    def test_a_closed_connection_has_no_effect(self, bucket: Bucket, proxy: S3Proxy, client: Any) -> None:
        proxy.policy = Rules(Rule(s3_faults.CLOSED))
        with pytest.raises(BROKEN):
            client.put_object(Bucket=bucket.name, Key="key", Body=b"x")
        assert bucket.keys() == []

    def test_a_request_that_is_cut_has_no_effect(self, bucket: Bucket, proxy: S3Proxy, client: Any) -> None:
        proxy.policy = Rules(Rule(s3_faults.CUT_REQUEST))
        with pytest.raises(BROKEN):
            client.put_object(Bucket=bucket.name, Key="key", Body=b"x" * MIB)
        assert bucket.keys() == []
        assert [logged.received for logged in proxy.log] == [MIB // 2]

    def test_a_body_is_cut_in_its_middle(self, bucket: Bucket, proxy: S3Proxy, client: Any) -> None:
        bucket.put("key", b"0123456789")
        proxy.policy = Rules(Rule(s3_faults.CUT))
        body = client.get_object(Bucket=bucket.name, Key="key")["Body"]
        with pytest.raises(ResponseStreamingError):
            body.read()
        assert client.get_object(Bucket=bucket.name, Key="key")["Body"].read() == b"0123456789"

    @pytest.mark.parametrize("fault", [s3_faults.LOST, s3_faults.LOST_500], ids=lambda fault: fault.name)
    def test_answers_are_lost_after_the_request_took_effect(
        self, fault: Fault, bucket: Bucket, proxy: S3Proxy, client: Any
    ) -> None:
        of = {"Bucket": bucket.name, "Key": "part"}
        lost = (ClientError, *BROKEN)

        proxy.policy = Rules(Rule(fault, operation="CreateMultipartUpload"))
        with pytest.raises(lost):
            client.create_multipart_upload(**of)
        [(_, upload)] = bucket.uploads()

        proxy.policy = Rules(Rule(fault, operation="UploadPart"))
        with pytest.raises(lost):
            client.upload_part(**of, UploadId=upload, PartNumber=1, Body=b"x" * 100_000)
        [part] = bucket.client.list_parts(**of, UploadId=upload)["Parts"]
        assert part["Size"] == 100_000

        proxy.policy = Rules(Rule(fault, operation="CompleteMultipartUpload"))
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        with pytest.raises(lost):
            client.complete_multipart_upload(**of, UploadId=upload, MultipartUpload=parts)
        assert (bucket.keys(), bucket.uploads()) == (["part"], [])

        for operation in ("DeleteObject", "PutObject"):
            proxy.policy = Rules(Rule(fault, operation=operation))
            with pytest.raises(lost):
                client.delete_object(**of) if operation == "DeleteObject" else client.put_object(**of, Body=b"y")
            assert bucket.keys() == ([] if operation == "DeleteObject" else ["part"])
        assert proxy.faults() == {fault.name: 5}

    def test_who_sends_can_be_killed_before_and_after_the_effect(
        self, bucket: Bucket, proxy: S3Proxy, client: Any
    ) -> None:
        killed: list[tuple[int, list[str]]] = []

        def act(request: Request) -> None:
            killed.append((request.number, bucket.keys()))

        for after in (False, True):
            proxy.policy = Rules(Rule(s3_faults.kill(act, after=after)))
            with pytest.raises(BROKEN):
                client.put_object(Bucket=bucket.name, Key="key", Body=b"x")
        assert killed == [(0, []), (1, ["key"])]


def request(number: int, operation: str = "PUT", key: str = "key") -> Request:
    return read(number, operation, f"/bucket/{key}", {})


class TestRules:
    def test_let_some_pass_and_hit_some(self) -> None:
        rules = Rules(Rule(s3_faults.LOST, operation="Put*", key="a/*", after=1, times=2))
        found = [rules(request(number, key=key)) for number, key in enumerate(["a/1", "b", "a/2", "a/3", "a/4"])]
        assert found == [None, None, s3_faults.LOST, s3_faults.LOST, None]
        assert rules(request(9, "GET", "a/1")) is None

    def test_can_count_for_each_key(self) -> None:
        rules = Rules(Rule(s3_faults.CLOSED, each=True))
        found = [rules(request(number, key=key)) for number, key in enumerate(["a", "b", "a", "b"])]
        assert found == [s3_faults.CLOSED, s3_faults.CLOSED, None, None]


class TestSeeds:
    def test_do_the_same_again_and_others_do_other_things(self) -> None:
        def faults(seed: int) -> list[str]:
            policy = Seeded(seed, share=0.3)
            found = (policy(request(number, key=str(number))) for number in range(200))
            return [fault.name if fault else "" for fault in found]

        assert faults(1) == faults(1)
        assert faults(1) != faults(2)
        assert 30 < sum(map(bool, faults(3))) < 90
        assert {fault.name for fault in s3_faults.OF_WRITES} <= set(faults(4))

    def test_leave_a_request_in_peace_after_a_while(self) -> None:
        policy = Seeded(1, share=1, in_a_row=2)
        assert [policy(request(number)) is None for number in range(6)] == [False, False, True, False, False, True]
