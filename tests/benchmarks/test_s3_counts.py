"""Tests of the S3 requests that ``plan`` forecasts, beside the requests that a proxy in front of the server counts."""

from __future__ import annotations

import os

import pytest

from benchmarks.s3_counts import WITHIN, Counted, Job, count, table
from tests.support.s3_server import Bucket

JOB = Job(name="temporaries in S3", maps=12, partitions=6)


def counted(job: Job, bucket: Bucket) -> Counted:
    return count(job, bucket, dict(os.environ))  # noqa: TID251 - what starts the command line


def assert_as_planned(one: Counted) -> None:
    assert one.problem == ""
    assert one.farthest is not None
    assert one.farthest <= WITHIN, table([one])


def test_a_plan_foretells_the_requests_within_five_percent(bucket: Bucket) -> None:
    assert_as_planned(counted(JOB, bucket))


@pytest.mark.slow
@pytest.mark.parametrize(
    "job",
    [
        Job(name="no partitions", maps=30, partitions=0, has_tmp=False),
        Job(name="local temporaries", maps=30, partitions=20, has_tmp=False),
        Job(name="two workers", maps=30, partitions=20, flags=("--workers", "2", "--slots", "1")),
    ],
    ids=lambda job: job.name,
)
def test_plans_of_other_jobs_do_too(bucket: Bucket, job: Job) -> None:
    assert_as_planned(counted(job, bucket))


def test_a_job_that_fails_is_said(bucket: Bucket) -> None:
    one = counted(Job(name="fails", maps=1, partitions=1, flags=("-r", "exit 3", "--max-attempts", "1")), bucket)
    assert one.problem.startswith("exit status 4: ")
    assert one.problem in table([one])


def test_how_far_a_plan_is_off() -> None:
    sent = {"put": 100, "get": 200, "delete": 1}
    one = Counted(job=JOB, seconds=1.0, sent=sent, planned={"put": 96, "get": 204, "delete": 9})
    assert one.farthest == pytest.approx(0.04)
    assert "pass, 4.0% off" in table([one])
    assert "not planned" in table([Counted(job=JOB, seconds=1.0, sent=sent)])
