"""Whole jobs from S3 to S3 while requests and answers are lost, cut and refused: the result is exact, nothing is left.

A seed chooses the job, how it is run, and which of its requests go wrong and how.
"""

from __future__ import annotations

import random

import pytest

from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_jobs import FromS3
from tests.scenarios.s3_runs import S3Place
from tests.support.runs import Place
from tests.support.s3_faults import Seeded
from tests.support.s3_proxy import proxying
from tests.support.s3_server import Bucket

SEEDS = 200
FAST = 4


def job_of(seed: int, place: Place, bucket: Bucket) -> FromS3:
    choice = random.Random(f"job {seed}")
    words = WordCount(
        lines=choice.randrange(1, 500), partitions=choice.randrange(1, 7), split_bytes=choice.choice([400, 900, 5000])
    )
    workers = choice.choice([1, 1, 2])
    return FromS3(
        s3=S3Place(place=place, bucket=bucket, job=words),
        objects=choice.randrange(1, 5),
        has_tmp=choice.random() < 0.6,
        workers=workers,
        slots=choice.choice([1, 2, 4]) // workers or 1,
    )


def survives(seed: int, place: Place, bucket: Bucket) -> None:
    job = job_of(seed, place, bucket)
    policy = Seeded(seed, share=random.Random(seed).choice([0.02, 0.06, 0.2]))
    with proxying(bucket.server.endpoint) as proxy:
        through = job.through(proxy.endpoint)
        through.arguments()
        proxy.policy = policy
        done = through.run()
        assert done.code == 0, f"{proxy.faults()} in {len(proxy.log)} requests\n{done.stderr}"
        through.assert_complete()


@pytest.mark.parametrize("seed", range(FAST))
def test_a_job_survives_what_a_few_seeds_do(place: Place, bucket: Bucket, seed: int) -> None:
    survives(seed, place, bucket)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FAST, SEEDS))
def test_a_job_survives_what_two_hundred_seeds_do(place: Place, bucket: Bucket, seed: int) -> None:
    survives(seed, place, bucket)
