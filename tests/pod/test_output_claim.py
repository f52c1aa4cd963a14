"""Tests which job may use an output, and why other jobs may not."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.pod.output_claim import OutputClaim
from kubemr_shell.pod.places import Places
from kubemr_shell.storage.locate import locate
from kubemr_shell.worker.old_result import OldResult
from tests.support.s3_server import Bucket

NEITHER_FINISHED = "holds part-00003.gz, which belongs to no finished result: move it away"
OTHER = "5f0e1c2d-0000-4000-8000-000000000001"
MANIFEST = json.dumps({"uid": "another", "epoch": 0, "parts": []})


def refusal(bucket: Bucket, output: str = "", *, uid: str = "me") -> str | None:
    output = output or bucket.uri
    storage = locate(output, S3Config(endpoint=bucket.server.endpoint))
    old = OldResult(storage=storage, output=output, uid=uid, parts=None)
    places = Places(output=output, uid=uid)
    return OutputClaim(storage=storage, places=places, job=f"words-{uid}", old_result=old).refusal()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            {"_SUCCESS": MANIFEST, "part-00000": ""},
            r"holds a finished result \(job another\), which a job of a ",
        ),
        ({"_SUCCESS": ""}, "holds a _SUCCESS of another program: move it away, or choose another output"),
        ({"part-00003.gz": ""}, NEITHER_FINISHED),
        ({f"_kubemr/{OTHER}/map/0.0": ""}, rf"holds temporaries of another job \({OTHER}\): wait for its end"),
        ({"_kubemr/owner": ""}, r"holds temporaries of another job \(owner\)"),
    ],
)
def test_what_would_be_in_the_way_of_a_result_is_found_before_it_is_made(
    bucket: Bucket, content: dict[str, str], why: str
) -> None:
    for name, text in content.items():
        bucket.put(name, text.encode())
    assert re.match(f"the output {bucket.uri} {why}", str(refusal(bucket)))
    assert set(bucket.keys()) == set(content), "a job that is refused is in nobody's way"


def test_what_is_in_nobodys_way_is_left_alone(bucket: Bucket) -> None:
    bucket.put("part-of-speech.txt", b"mine")
    bucket.put("_kubemr/notes/a", b"mine")
    assert refusal(bucket) is None
    assert refusal(bucket) is None, "another worker of this job plans it again"


def test_a_job_whose_status_was_lost_finds_its_own_result(bucket: Bucket) -> None:
    bucket.put("_SUCCESS", json.dumps({"uid": "me", "epoch": 0}).encode())
    bucket.put("part-00000", b"")
    assert refusal(bucket) is None


def test_who_comes_second_is_told_of_the_first(bucket: Bucket) -> None:
    assert refusal(bucket, uid=OTHER) is None
    assert f"another job ({OTHER})" in str(refusal(bucket, uid=str(uuid4())))
    assert refusal(bucket, uid=OTHER) is None


def test_of_jobs_that_come_at_the_same_moment_never_two_get_the_output(bucket: Bucket) -> None:
    jobs, rounds = 6, 10
    for number in range(rounds):
        together = Barrier(jobs)

        def claimed(uid: str, output: str = f"{bucket.uri}/{number}", together: Barrier = together) -> bool:
            together.wait()
            return refusal(bucket, output, uid=uid) is None

        with ThreadPoolExecutor(jobs) as pool:
            assert sum(pool.map(claimed, [str(uuid4()) for _ in range(jobs)])) <= 1


def test_a_bucket_that_is_not_there_is_no_output(bucket: Bucket) -> None:
    why = refusal(bucket, f"s3://{bucket.name}-none/words")
    assert f"there is no bucket {bucket.name}-none: check its name" in str(why)
