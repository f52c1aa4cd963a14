"""What stands in an output before a job begins there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.storage.locate import locate
from kubemr_shell.worker.old_result import OldResult
from tests.s3_server import Bucket

NEITHER_FINISHED = "holds part-00003.gz, which belongs to no finished result: move it away"
MANIFEST = json.dumps({"uid": "theirs", "epoch": 0, "parts": []})


def result_in(folder: Path) -> OldResult:
    return OldResult(storage=LocalStorage(), output=str(folder), uid="ours", parts=None)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"_SUCCESS": MANIFEST, "part-00000": ""}, r"holds a finished result \(job theirs\): choose another output"),
        ({"_SUCCESS": ""}, "holds a _SUCCESS that is not ours: choose another output"),
        ({"part-00003.gz": ""}, NEITHER_FINISHED),
        ({"_kubemr/theirs/map/0.0": ""}, r"holds temporaries of another job \(theirs\): wait for its end"),
        ({"_kubemr/owner": ""}, r"holds temporaries of another job \(owner\)"),
    ],
)
def test_what_would_be_in_the_way_of_a_result_is_found_before_it_is_made(
    tmp_path: Path, content: dict[str, str], why: str
) -> None:
    for name, text in content.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert re.match(f"the output {tmp_path} {why}", str(result_in(tmp_path).refusal()))


def test_what_is_in_nobodys_way_is_left_alone(tmp_path: Path) -> None:
    assert result_in(tmp_path).refusal() is None
    (tmp_path / "part-of-speech.txt").write_text("mine")
    (tmp_path / "_kubemr" / "ours").mkdir(parents=True)
    (tmp_path / "_kubemr" / "ours" / "plan").write_text("of another worker of this job")
    assert result_in(tmp_path).refusal() is None


def test_a_job_whose_status_was_lost_finds_its_own_result(tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").write_text(MANIFEST)
    (tmp_path / "part-00000").write_text("")
    assert replace(result_in(tmp_path), uid="theirs").refusal() is None


def test_a_bucket_that_is_not_there_is_no_output(bucket: Bucket) -> None:
    output = f"s3://{bucket.name}-none/words"
    config = S3Config(endpoint=bucket.server.endpoint)
    refusal = OldResult(storage=locate(output, config), output=output, uid="ours", parts=None).refusal()
    assert f"there is no bucket {bucket.name}-none: check its name" in str(refusal)
