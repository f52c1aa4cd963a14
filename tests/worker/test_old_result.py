"""What stands in an output: an old result, which may be removed, or something that no new one may replace."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kubemr_shell.errors import StorageError
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.storage.locate import locate
from kubemr_shell.worker.old_result import OldResult, Result
from tests.s3_server import Bucket

NEITHER_FINISHED = "holds part-00003.gz, which belongs to no finished result: move it away"
MANIFEST = json.dumps({"uid": "another", "epoch": 0, "parts": []})


def result(folder: Path, parts: tuple[str, ...] | None = ("part-00000",)) -> OldResult:
    return OldResult(storage=LocalStorage(), output=str(folder), uid="me", parts=parts)


@pytest.mark.parametrize(
    ("uid", "epoch", "is_old"),
    [
        ("another", 5, True),
        ("me", 0, True),
        ("me", 1, False),
        # One who sleeps through the end, and through what comes after it, must not remove what is newer than he knows.
        ("me", 2, False),
    ],
)
def test_what_is_older_than_the_epoch_that_publishes_is_in_the_way(
    tmp_path: Path, uid: str, epoch: int, is_old: bool
) -> None:
    (tmp_path / "_SUCCESS").write_text(json.dumps({"uid": uid, "epoch": epoch}))
    assert result(tmp_path).finished() == Result(uid=uid, epoch=epoch)
    assert result(tmp_path).stands(1) is is_old
    assert not result(tmp_path, parts=None).stands(1), "who replaces nothing removes nothing"
    assert result(tmp_path).is_finished(1) is ((uid, epoch) == ("me", 1))


def test_nothing_and_no_manifest_are_told_apart(tmp_path: Path) -> None:
    assert not result(tmp_path).stands(1)
    (tmp_path / "_SUCCESS").write_text("{}")
    with pytest.raises(StorageError, match="did not write stands there"):
        result(tmp_path).stands(1)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            {"_SUCCESS": MANIFEST, "part-00000": ""},
            r"holds a finished result \(job another\), which a job of a cluster ",
        ),
        ({"_SUCCESS": ""}, "holds a _SUCCESS that is not ours: move it away, or choose another output"),
        ({"part-00003.gz": ""}, NEITHER_FINISHED),
        ({"_kubemr/another/map/0.0": ""}, r"holds temporaries of another job \(another\): wait for its end"),
        ({"_kubemr/owner": ""}, r"holds temporaries of another job \(owner\)"),
    ],
)
def test_what_would_be_in_the_way_of_a_result_is_found_before_it_is_made(
    tmp_path: Path, content: dict[str, str], why: str
) -> None:
    for name, text in content.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert re.match(f"the output {tmp_path} {why}", str(result(tmp_path, parts=None).refusal()))


def test_what_is_in_nobodys_way_is_left_alone(tmp_path: Path) -> None:
    assert result(tmp_path, parts=None).refusal() is None
    (tmp_path / "part-of-speech.txt").write_text("mine")
    (tmp_path / "_kubemr" / "me").mkdir(parents=True)
    (tmp_path / "_kubemr" / "me" / "plan").write_text("of another worker of this job")
    assert result(tmp_path, parts=None).refusal() is None


def test_a_job_whose_status_was_lost_finds_its_own_result(tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").write_text(json.dumps({"uid": "me", "epoch": 0}))
    (tmp_path / "part-00000").write_text("")
    assert result(tmp_path, parts=None).refusal() is None


def test_a_bucket_that_is_not_there_is_no_output(bucket: Bucket) -> None:
    output = f"s3://{bucket.name}-none/words"
    config = S3Config(endpoint=bucket.server.endpoint)
    refusal = OldResult(storage=locate(output, config), output=output, uid="me", parts=None).refusal()
    assert f"there is no bucket {bucket.name}-none: check its name" in str(refusal)
