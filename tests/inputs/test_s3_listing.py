"""Tests of the objects that names under s3:// stand for, on a real server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kubemr_shell.errors import Forbidden, InputNotFound, StorageUnavailable
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.s3_listing import find_objects
from kubemr_shell.net.s3_client import client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import Cancelled
from tests.support.feeding import HASTY
from tests.support.s3_faults import SLOW_DOWN, Fault, Rule, Rules
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.s3_server import Bucket


def config_of(bucket: Bucket) -> S3Config:
    return S3Config(endpoint=bucket.server.endpoint)


def listed(
    bucket: Bucket,
    names: Sequence[str],
    *,
    inputs_from: str | None = None,
    decompress: str = "auto",
    cancel_fd: int = -1,
) -> list[InputObject]:
    return list_inputs(
        [f"{bucket.uri}/{name}" for name in names],
        inputs_from=inputs_from,
        decompress=decompress,
        folder="/",
        stdin_copy=None,
        s3=config_of(bucket),
        patience=HASTY,
        cancel_fd=cancel_fd,
    )


def keys(bucket: Bucket, *names: str) -> list[str]:
    return [item.uri.removeprefix(f"{bucket.uri}/") for item in listed(bucket, names)]


def put_all(bucket: Bucket, *names: str) -> None:
    for name in names:
        bucket.put(name, b"" if name.endswith("/") else name.encode())


def test_an_object_says_all_that_a_plan_needs(bucket: Bucket) -> None:
    bucket.put("logs/a%20b.txt", b"12345")
    etag = bucket.client.head_object(Bucket=bucket.name, Key="logs/a%20b.txt")["ETag"]
    wanted = InputObject(
        uri=f"{bucket.uri}/logs/a%20b.txt", size=5, codec="auto", fingerprint=f"etag {etag}", splittable=True
    )
    for name in ("logs/a%20b.txt", "logs/", "logs", "logs/*.txt"):
        assert listed(bucket, [name]) == [wanted]


def test_nobody_has_looked_at_objects_that_are_listed(bucket: Bucket) -> None:
    put_all(bucket, "x/a.gz", "x/b.txt")
    assert [(item.codec, item.splittable) for item in listed(bucket, ["x/"])] == [("auto", True)] * 2
    assert {item.codec for item in listed(bucket, ["x/"], decompress="none")} == {"none"}


def test_a_prefix_is_read_like_a_folder(bucket: Bucket) -> None:
    put_all(bucket, "in/b", "in/a/x", "in/_SUCCESS", "in/.part", "in/_tmp/y", "in/empty/", "in2/z", "in/c/_d/e")
    assert keys(bucket, "in/") == keys(bucket, "in") == ["in/a/x", "in/b"]
    assert keys(bucket, "in/_tmp/", "in/_SUCCESS") == ["in/_tmp/y", "in/_SUCCESS"]
    assert keys(bucket, "") == ["in/a/x", "in/b", "in2/z"]


def test_globs_match_keys_and_all_below_what_looks_like_a_folder(bucket: Bucket) -> None:
    put_all(bucket, "logs/11-1/a.gz", "logs/11-2/b.gz", "logs/12-1/c.gz", "logs/11-2/_d.gz", "logs/11-2/e/f.gz")
    assert keys(bucket, "logs/11-*/*.gz") == ["logs/11-1/a.gz", "logs/11-2/b.gz"]
    assert keys(bucket, "logs/11-*") == ["logs/11-1/a.gz", "logs/11-2/b.gz", "logs/11-2/e/f.gz"]
    assert keys(bucket, "**/[bf].gz") == ["logs/11-2/b.gz", "logs/11-2/e/f.gz"]


def test_a_literal_name_beats_a_glob(bucket: Bucket) -> None:
    put_all(bucket, "x[1]", "x1", "y[1]/a", "y1/b")
    assert keys(bucket, "x[1]", "y[1]", "y[1]/") == ["x[1]", "y[1]/a", "y[1]/a"]
    assert keys(bucket, "x[[]1]", "y?") == ["x[1]", "y1/b"]


def test_a_glob_lists_no_more_than_its_literal_prefix(bucket: Bucket) -> None:
    put_all(bucket, "a/1", "b/1")
    with proxying(bucket.server.endpoint) as proxy:
        config = S3Config(endpoint=proxy.endpoint)
        found = find_objects([f"{bucket.uri}/a/*"], config, HASTY)
        assert [logged.request.query["prefix"] for logged in proxy.log] == ["a/"]
    assert len(found) == 1


def test_names_are_taken_in_order_and_what_is_listed_twice_is_read_twice(bucket: Bucket) -> None:
    put_all(bucket, "a", "b", "c")
    assert keys(bucket, "b", "a", "*", "b") == ["b", "a", "a", "b", "c", "b"]


def test_everything_that_is_missing_is_said_at_once(bucket: Bucket) -> None:
    put_all(bucket, "there", "marker/")
    names = ["gone", "there", "none*", "marker/", "x\ny"]
    with pytest.raises(InputNotFound) as caught:
        listed(bucket, names, inputs_from=None)
    first, *lines = str(caught.value).splitlines()
    assert first == "4 inputs cannot be read:"
    for line, part in zip(
        lines,
        [
            f"{bucket.uri}/gone: no such object, and nothing to read below {bucket.uri}/gone/",
            f"{bucket.uri}/none*: no key matches",
            f"{bucket.uri}/marker/: nothing to read below this prefix",
            r"x\ny",
        ],
        strict=True,
    ):
        assert part in line


def test_a_missing_bucket_is_named(bucket: Bucket) -> None:
    for name in (f"s3://{bucket.name}-not/key", f"s3://{bucket.name}-not/key/", f"s3://{bucket.name}-not/*"):
        found = find_objects([name], config_of(bucket), HASTY)[name]
        assert isinstance(found, InputNotFound)
        assert f"there is no bucket {bucket.name}-not" in str(found)


@pytest.mark.parametrize("name", ["s3://", "s3:///key", "s3://b/key", "s3://bucket/\udcff"])
def test_what_can_be_no_name_in_s3_is_an_input_that_is_not_there(bucket: Bucket, name: str) -> None:
    assert isinstance(find_objects([name], config_of(bucket), HASTY)[name], InputNotFound)


def test_inputs_from_an_object(bucket: Bucket) -> None:
    put_all(bucket, "a", "b")
    bucket.put("list", f"{bucket.uri}/b\r\n\n{bucket.uri}/a\n".encode())
    found = listed(bucket, [], inputs_from=f"{bucket.uri}/list")
    assert [item.uri for item in found] == [f"{bucket.uri}/b", f"{bucket.uri}/a"]
    for missing in ("none", ""):
        with pytest.raises(InputNotFound, match=f"{bucket.uri}/{missing}"):
            listed(bucket, [], inputs_from=f"{bucket.uri}/{missing}")


@pytest.mark.lengthy
def test_a_server_that_is_down_is_no_missing_input() -> None:
    config = S3Config(endpoint="http://127.0.0.1:9", region="us-east-1")
    patience = replace(HASTY, budget=0.1)
    found = find_objects(["s3://bucket/a", "s3://bucket/b/"], config, patience)
    assert all(isinstance(error, (StorageUnavailable, Forbidden)) for error in found.values())


def test_a_wrong_secret_is_a_right_that_is_missing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("a", b"x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    config = S3Config(endpoint=bucket.server.endpoint, max_requests_per_second=1000)
    with pytest.raises(Forbidden, match="a"):
        list_inputs(
            [f"{bucket.uri}/a", f"{bucket.uri}/"],
            inputs_from=None,
            decompress="auto",
            folder="/",
            stdin_copy=None,
            s3=config,
            patience=HASTY,
        )


def test_a_cancel_ends_the_listing(bucket: Bucket) -> None:
    bucket.put("a", b"x")
    cancel = os.eventfd(1)
    try:
        for name in ("a", "a/", "*"):
            with pytest.raises(Cancelled):
                listed(bucket, [name], cancel_fd=cancel)
    finally:
        os.close(cancel)


def test_many_keys_are_looked_up_by_the_page(bucket: Bucket) -> None:
    names = [f"many/{number:03d}" for number in range(120)]
    put_all(bucket, *names)
    config = replace(config_of(bucket), max_requests_per_second=10_000)
    wanted = [f"{bucket.uri}/{name}" for name in [*reversed(names), "many/050x"]]
    found = find_objects(wanted, config, HASTY)
    assert isinstance(shown := found[f"{bucket.uri}/many/050"], list)
    assert shown[0].key == "many/050"
    assert isinstance(found[f"{bucket.uri}/many/050x"], InputNotFound)
    assert sum(isinstance(answer, list) for answer in found.values()) == 120
    sent = client_for(config).counts.operations()
    assert sent["head_object"] <= 1 + len(found) % 50
    assert sent["list_objects_v2"] <= 4


def test_refusals_in_between_are_tried_again(bucket: Bucket) -> None:
    put_all(bucket, "a/1", "a/2", "b")
    with proxying(bucket.server.endpoint) as proxy:
        lists = Rule(SLOW_DOWN, operation="ListObjectsV2", times=2)
        proxy.policy = Rules(Rule(SLOW_DOWN, operation="HeadObject"), lists)
        config = S3Config(endpoint=proxy.endpoint)
        found = find_objects([f"{bucket.uri}/b", f"{bucket.uri}/a/"], config, HASTY)
        assert proxy.faults()["503"] == 3
    assert [len(list(answer)) for answer in found.values() if isinstance(answer, list)] == [1, 2]
    assert client_for(config).counts.throttled == 3


def test_braces_stand_for_alternatives_that_all_have_objects(bucket: Bucket) -> None:
    put_all(bucket, "2026-01/a.gz", "2026-02/b.gz", "2026-02/_c.gz", "2026-03/d.gz", "{x,y}/e.gz")
    assert keys(bucket, "{2026-01,2026-02}/*.gz") == ["2026-01/a.gz", "2026-02/b.gz"]
    assert keys(bucket, "2026-0{3,1}/") == ["2026-01/a.gz", "2026-03/d.gz"]
    assert keys(bucket, "{x,y}/*.gz") == keys(bucket, "{x,y}/e.gz") == ["{x,y}/e.gz"]
    with pytest.raises(InputNotFound, match=r"\{2026-01,2026-04\}/\*: no key matches the alternative '2026-04'"):
        keys(bucket, "{2026-01,2026-04}/*")


def test_an_empty_object_does_not_hide_the_objects_below_its_name(bucket: Bucket) -> None:
    """Some servers cannot hold both `a` and `a/b`. So the test removes the object between the two requests."""
    bucket.put("a", b"")
    assert keys(bucket, "a") == ["a"]

    def make_room(_: Request) -> None:
        bucket.delete("a")
        put_all(bucket, "a/x")

    rule = Rule(Fault(name="makes room", act=make_room), operation="List*")
    with proxying(bucket.server.endpoint, Rules(rule)) as proxy:
        s3 = S3Config(endpoint=proxy.endpoint)
        with pytest.raises(InputNotFound, match=rf"/a: is an empty object.*name {bucket.uri}/a/ to read"):
            list_inputs(
                [f"{bucket.uri}/a"],
                inputs_from=None,
                decompress="auto",
                folder="/",
                stdin_copy=None,
                s3=s3,
                patience=HASTY,
            )
    assert keys(bucket, "a/") == keys(bucket, "a") == ["a/x"]
