"""Tests of the metadata that tells which output is at a target."""

from __future__ import annotations

import pytest

from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.s3_target import Standing, owner_in, owner_of, standing


@pytest.mark.parametrize(
    ("owner", "size", "expected"),
    [
        (None, 8, Standing.FOREIGN),
        ("uid/7.10", 8, Standing.PUBLISHED),
        ("uid/7.10", 9, Standing.OLDER),
        ("uid/7.9", 8, Standing.EARLIER),
        ("uid/7.11", 8, Standing.LATER),
        ("uid/8.9", 8, Standing.OLDER),
        ("uid/70.9", 8, Standing.OLDER),
        ("other/7.9", 8, Standing.OLDER),
        ("other/7.10", 8, Standing.OLDER),
        ("uid/_SUCCESS.abc", 8, Standing.OLDER),
        ("", 8, Standing.OLDER),
    ],
)
def test_an_object_is_this_output_or_another(owner: str | None, size: int, expected: Standing) -> None:
    receipt = Receipt(
        staged="s3://bucket/out/_kubemr/uid/stage/7.10", target="s3://bucket/out/p", bytes=8, crc32=0, records=0
    )
    assert standing(receipt, owner=owner, size=size) is expected


def test_a_success_file_has_no_attempts_in_an_order() -> None:
    receipt = Receipt(
        staged="s3://bucket/_kubemr/uid/stage/_SUCCESS.c1", target="s3://bucket/_SUCCESS", bytes=8, crc32=0, records=0
    )
    assert standing(receipt, owner="uid/_SUCCESS.c1", size=8) is Standing.PUBLISHED
    assert standing(receipt, owner="uid/_SUCCESS.c0", size=8) is Standing.OLDER


def test_an_owner_is_the_job_and_the_attempt() -> None:
    assert owner_of("s3://bucket/a/_kubemr/0f9e/stage/12.3") == "0f9e/12.3"


@pytest.mark.parametrize("name", ["kubemr", "Kubemr", "KUBEMR"])
def test_a_server_may_write_the_name_of_the_metadata_in_any_case(name: str) -> None:
    assert owner_in({"other": "x", name: "5f0e/0.0"}) == "5f0e/0.0"
    assert owner_in({"other": "x"}) is None
