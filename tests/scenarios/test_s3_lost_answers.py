"""Every kind of request of a whole job goes wrong once for each key: the result is exact, and nothing is left."""

from __future__ import annotations

import pytest

from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_jobs import FromS3
from tests.scenarios.s3_runs import S3Place
from tests.support import s3_faults
from tests.support.runs import Place
from tests.support.s3_faults import Fault, Rule, Rules
from tests.support.s3_proxy import proxying
from tests.support.s3_server import Bucket

JOB = WordCount(lines=200, partitions=2, split_bytes=600)
WRITES = ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "Delete*")


def goes_wrong(place: Place, bucket: Bucket, *rules: Rule) -> None:
    job = FromS3(s3=S3Place(place=place, bucket=bucket, job=JOB), objects=2)
    with proxying(bucket.server.endpoint) as proxy:
        through = job.through(proxy.endpoint)
        through.arguments()
        proxy.policy = Rules(*rules)
        done = through.run()
        assert done.code == 0, f"{proxy.faults()}: {done.stderr}"
        assert proxy.faults(), "nothing went wrong"
        through.assert_complete()


@pytest.mark.parametrize("fault", [s3_faults.LOST, s3_faults.LOST_500], ids=lambda fault: fault.name)
@pytest.mark.parametrize("operation", WRITES)
def test_an_answer_is_lost_after_the_request_took_effect(
    place: Place, bucket: Bucket, operation: str, fault: Fault
) -> None:
    goes_wrong(place, bucket, Rule(fault, operation=operation, each=True))


def test_uploads_that_nobody_knows_are_given_up_though_their_abortion_is_lost_too(place: Place, bucket: Bucket) -> None:
    goes_wrong(
        place,
        bucket,
        Rule(s3_faults.LOST, operation="CreateMultipartUpload", each=True),
        Rule(s3_faults.LOST, operation="AbortMultipartUpload", each=True),
    )


@pytest.mark.parametrize("operation", ["GetObject", "List*"])
def test_bodies_are_cut_in_their_middle(place: Place, bucket: Bucket, operation: str) -> None:
    goes_wrong(place, bucket, Rule(s3_faults.CUT, operation=operation, each=True))


@pytest.mark.slow
def test_the_server_asks_for_time_at_every_operation(place: Place, bucket: Bucket) -> None:
    operations = ("GetObject", "List*", "HeadObject", "HeadBucket", *WRITES)
    goes_wrong(place, bucket, *(Rule(s3_faults.TOO_MANY, operation=operation) for operation in operations))
