"""Tests of the bucket and the key of a URI."""

from __future__ import annotations

import pytest

from kubemr_shell.errors import UsageError
from kubemr_shell.net.s3_uri import LONGEST_KEY_BYTES, as_prefix, is_s3, split_uri


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/key", ("bucket", "key")),
        ("S3://bucket/key", ("bucket", "key")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket//a//b/", ("bucket", "/a//b/")),
        ("s3://bucket/a%20b?c#d*", ("bucket", "a%20b?c#d*")),
        ("s3://bu.ck-et_1/über", ("bu.ck-et_1", "über")),
    ],
)
def test_the_key_is_all_that_stands_after_the_bucket(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


@pytest.mark.parametrize(
    "uri", ["s3:///key", "s3://", "s3://a/key", "s3://-bucket/key", "s3://buck et/key", "/bucket/key"]
)
def test_what_can_be_no_bucket_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="write s3://bucket/key"):
        split_uri(uri)


def test_a_key_that_s3_cannot_have_is_refused() -> None:
    assert split_uri("s3://bucket/" + "k" * LONGEST_KEY_BYTES)
    with pytest.raises(UsageError, match="has 1026 bytes, S3 allows 1024"):
        split_uri("s3://bucket/" + "ü" * (LONGEST_KEY_BYTES // 2 + 1))
    with pytest.raises(UsageError, match="must be UTF-8"):
        split_uri("s3://bucket/\udcff")


def test_a_prefix_leaves_room_for_names_below_it() -> None:
    assert as_prefix("s3://bucket/" + "k" * 896 + "//") == "s3://bucket/" + "k" * 896
    with pytest.raises(UsageError, match="has 898 bytes: give one of at most 896"):
        as_prefix("s3://bucket/" + "ü" * 449)


@pytest.mark.parametrize("key", ["out/../in", "../out", "out/.", "out//deeper", "/out"])
def test_a_prefix_is_no_path_to_be_walked(key: str) -> None:
    """A server that resolves such names writes to another place than it lists, and mixes the result with others."""
    with pytest.raises(UsageError, match="write to another place than they list: remove the name"):
        as_prefix(f"s3://bucket/{key}")


def test_a_bucket_as_a_whole_and_names_with_dots_are_prefixes() -> None:
    assert as_prefix("s3://bucket/") == "s3://bucket"
    assert as_prefix("s3://bucket/a..b/.c/...") == "s3://bucket/a..b/.c/..."


def test_only_s3_uris_are_of_s3() -> None:
    assert is_s3("s3://b/k")
    assert is_s3("S3://b/k")
    assert not is_s3("/s3://b/k")
    assert not is_s3("s3:/b/k")
