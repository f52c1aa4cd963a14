"""Tests of the settings of a client that come from the spec of a job."""

from __future__ import annotations

import pytest

from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.net.s3_client import client_for
from kubemr_shell.net.s3_config import S3Config


def test_what_a_job_leaves_open_is_left_to_botocore() -> None:
    assert S3Config.of(S3Spec()) == S3Config()


def test_a_job_says_how_its_store_is_reached() -> None:
    spec = S3Spec(endpoint="https://s3.here", region="r", ca_bundle="/ca.pem", requester_pays=True)
    assert S3Config.of(spec) == S3Config(
        endpoint="https://s3.here", region="r", ca_bundle="/ca.pem", requester_pays=True
    )


@pytest.mark.parametrize(("style", "is_path"), [("auto", None), ("always", True), ("never", False)])
def test_the_style_of_addresses(style: str, is_path: bool | None) -> None:
    assert S3Config.of(S3Spec(path_style=style)).path_style is is_path  # type: ignore[arg-type]


def test_the_workers_of_a_job_share_its_limit() -> None:
    assert S3Config.of(S3Spec(max_requests_per_second=10), workers=4).max_requests_per_second == 2.5


def test_equal_settings_have_one_client() -> None:
    assert client_for(S3Config(region="a")) is client_for(S3Config(region="a"))
    assert client_for(S3Config(region="a")) is not client_for(S3Config(region="b"))
