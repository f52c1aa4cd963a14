"""kill -9 of a whole run into S3, between any two requests: ``--resume`` gives the same result, and leaves nothing."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_runs import S3Place
from tests.support.runs import Place, Run
from tests.support.s3_faults import Rule, Rules, kill
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.s3_server import Bucket

JOB = WordCount(lines=300, partitions=3)
RUNS = pytest.mark.parametrize(
    "flags", [("--slots", "2"), ("--workers", "2", "--slots", "1")], ids=["one process", "two workers"]
)


def requests_of_a_run(s3: S3Place, flags: tuple[str, ...]) -> int:
    with proxying(s3.bucket.server.endpoint) as proxy:
        done = replace(s3, endpoint=proxy.endpoint).count(*flags)
        assert done.code == 0, done.stderr
        return len(proxy.log)


def is_killed_and_resumed(s3: S3Place, flags: tuple[str, ...], *, at: int, after: bool) -> None:
    """The run dies when it sends request ``at``: before the server gets it, or when that has done what it says."""
    runs: list[Run] = []

    def end(_: Request) -> None:
        for pid in (runs[0].process.pid, *runs[0].workers()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with proxying(s3.bucket.server.endpoint) as proxy:
        through = replace(s3, endpoint=proxy.endpoint)
        arguments = through.arguments(*flags)
        proxy.policy = Rules(Rule(kill(end, after=after), after=at))
        runs.append(through.start(*arguments))
        runs[0].process.wait()
        s3.place.end()
    done = s3.count(*flags, "--resume")
    assert done.code == 0, done.stderr
    assert len(done.stdout.splitlines()) == JOB.partitions
    s3.assert_complete()


@pytest.mark.slow
@RUNS
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_a_request_is_resumed(
    place: Place, bucket: Bucket, flags: tuple[str, ...], after: bool
) -> None:
    s3 = S3Place(place=place, bucket=bucket, job=JOB)
    chance = random.Random(f"{flags} {after}")
    total = requests_of_a_run(s3, flags)
    for at in sorted(chance.sample(range(total), 4)):
        bucket.clear()
        is_killed_and_resumed(s3, flags, at=at, after=after)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(2), ids=["even", "odd"])
def test_a_run_that_is_killed_at_any_request_is_resumed(place: Place, bucket: Bucket, first: int) -> None:
    """Before the server gets the request, and after it did what that says, in turns."""
    s3 = S3Place(place=place, bucket=bucket, job=JOB)
    flags = ("--slots", "2")
    for at in range(first, requests_of_a_run(s3, flags), 2):
        bucket.clear()
        is_killed_and_resumed(s3, flags, at=at, after=at // 2 % 2 == 1)
