"""The S3 server of the tests is real, and where there is none that is said at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.s3_server import Bucket

ROOT = Path(__file__).parents[2]


def test_a_bucket_is_empty_and_can_be_used(bucket: Bucket) -> None:
    assert bucket.keys() == []
    assert bucket.uploads() == []
    bucket.put("folder/key", b"\0bytes")
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key="part")
    assert bucket.keys() == ["folder/key"]
    assert bucket.get("folder/key") == b"\0bytes"
    assert [key for key, _ in bucket.uploads()] == ["part"]
    bucket.clear()
    assert (bucket.keys(), bucket.uploads()) == ([], [])


def _pytest(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The tests that need a bucket, in an environment without a server."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}"),
            __file__,
            "-k",
            "used",
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{tmp_path}/none", **environment},  # noqa: TID251
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_server_its_tests_are_skipped_with_the_reason_and_the_command_that_helps(tmp_path: Path) -> None:
    done = _pytest(tmp_path)
    assert "1 skipped" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert line.startswith("SKIPPED [1] no S3 server (KUBEMR_TEST_S3_ENDPOINT is not set, and Docker cannot start")
    assert "; to run them: apt-get install docker.io, or KUBEMR_TEST_S3_ENDPOINT=" in line


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    done = _pytest(
        tmp_path, KUBEMR_TEST_S3_ENDPOINT="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s"
    )
    assert "1 skipped" in done.stdout
    assert "no S3 server (http://127.0.0.1:1: Could not connect" in done.stdout


def test_without_a_server_that_is_required_its_tests_fail(tmp_path: Path) -> None:
    done = _pytest(tmp_path, KUBEMR_TEST_S3_REQUIRED="1")
    assert "1 error" in done.stdout
    assert "KUBEMR_TEST_S3_ENDPOINT is not set" in done.stdout
