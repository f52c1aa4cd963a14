"""The maps of a finished job are used for other reduces where its output, or all of it, is in S3."""

from __future__ import annotations

import pytest

from tests.scenarios.jobs import WordCount
from tests.support.runs import NOTE, Place
from tests.support.s3_server import Bucket

WORDS = WordCount(lines=200, split_bytes=400, partitions=3)
JOB = """
apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {{name: words}}
spec:
  inputs: [words]
  output: {bucket}/out
  partitions: 3
  mapCommand: '{note}cat'
  reduceCommand: uniq -c
  keepTmp: {keep}
  s3: {{endpoint: "{endpoint}"}}
"""


@pytest.mark.parametrize("tmp", [None, "tmp"], ids=["temporaries here", "temporaries in S3"])
def test_the_maps_are_kept_and_the_result_is_replaced(place: Place, bucket: Bucket, tmp: str | None) -> None:
    WORDS.arguments(place)
    elsewhere = ["--tmp", f"{bucket.uri}/{tmp}"] if tmp else []
    other = ["run", "--job", "job.yaml", "-r", "uniq -c | tr a-z A-Z", "--resume"]
    environment = bucket.server.environment

    def write_job(keep: str) -> None:
        place.write("job.yaml", JOB.format(bucket=bucket.uri, endpoint=bucket.server.endpoint, note=NOTE, keep=keep))

    write_job("true")
    assert place.run("run", "job.yaml", *elsewhere, environment=environment).code == 0
    maps = place.attempts("map")
    for keep in ("true", "false"):
        write_job(keep)
        done = place.run(*other, environment=environment)
        assert done.code == 0, done.stderr

    assert place.attempts("map") == maps
    assert bucket.keys() == ["out/_SUCCESS", *(f"out/{name}" for name in WORDS.parts())]
    assert {name: bucket.get(f"out/{name}") for name in WORDS.parts()} == {
        name: part.upper() for name, part in WORDS.parts().items()
    }
