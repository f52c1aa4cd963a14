"""kill -9 of the process that sends a request, between any two requests: the result is that of an undisturbed run.

Of two workers one dies, and the other goes on; where it was the run itself, ``--resume`` does.
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_jobs import FromS3
from tests.scenarios.s3_runs import S3Place
from tests.scenarios.senders import sender
from tests.support.runs import Place
from tests.support.s3_faults import Rule, Rules, kill
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.s3_server import Bucket

JOB = WordCount(lines=200, partitions=2, split_bytes=600)
FEWEST_REQUESTS = 30
"""The least number of requests of a run."""
SHARES = 4
"""The number of shares of all moments, so that processes can divide the work."""
MOMENTS = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
TEMPORARIES = pytest.mark.parametrize("has_tmp", [False, True], ids=["local", "tmp in S3"])


def requests_of_a_run(job: FromS3) -> int:
    with proxying(job.s3.bucket.server.endpoint) as proxy:
        done = job.through(proxy.endpoint).run()
        assert done.code == 0, done.stderr
        return len(proxy.log)


def loses_a_process(job: FromS3, *, at: int, after: bool) -> bool:
    """Who sends request ``at`` dies: before the server gets it, or when that has done what it says.

    False: the run was over before.
    """
    killed: list[int] = []

    def end(request: Request) -> None:
        pid = sender(request, job.s3.place)
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    with proxying(job.s3.bucket.server.endpoint) as proxy:
        through = job.through(proxy.endpoint)
        through.arguments()
        proxy.policy = Rules(Rule(kill(end, after=after), after=at))
        run = through.start()
        done = run.wait()
        if killed == [run.process.pid]:
            done = through.run("--resume")
        assert done.code == 0, f"{killed} of {run.process.pid}: {done.stderr}"
        job.assert_complete()
    return bool(killed)


def in_s3(place: Place, bucket: Bucket, *, has_tmp: bool) -> FromS3:
    s3 = S3Place(place=place, bucket=bucket, job=JOB)
    return FromS3(s3=s3, objects=2, has_tmp=has_tmp, workers=2, slots=1)


@MOMENTS
@TEMPORARIES
def test_the_sender_of_a_request_dies(place: Place, bucket: Bucket, after: bool, has_tmp: bool) -> None:
    job = in_s3(place, bucket, has_tmp=has_tmp)
    at = random.Random(f"{after} {has_tmp}").randrange(FEWEST_REQUESTS)
    assert loses_a_process(job, at=at, after=after)


@pytest.mark.slow
@pytest.mark.timeout(600)
@TEMPORARIES
@pytest.mark.parametrize("first", range(SHARES))
def test_a_process_dies_between_any_two_requests(place: Place, bucket: Bucket, has_tmp: bool, first: int) -> None:
    job = in_s3(place, bucket, has_tmp=has_tmp)
    for at in range(first, requests_of_a_run(job), SHARES):
        bucket.clear()
        loses_a_process(job, at=at, after=True)
