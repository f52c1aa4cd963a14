"""Tests of the advice of a cluster worker that cannot continue: it fits a cluster and the job's namespace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.desk import Desk, opened
from tests.support.s3_server import Bucket
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def reducing(cluster: Cluster, namespace: str, bucket: Bucket, tmp_path: Path) -> Iterator[Desk]:
    """A desk with a job whose only reduce waits for a file ``go``."""
    with opened(cluster, namespace, bucket, tmp_path) as desk:
        desk.operator()
        wait = f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; uniq -c"
        assert desk.run("submit", desk.words(reduceCommand=wait, keepTmp=True)).code == 0
        yield desk


def test_what_has_to_be_mended_is_followed_by_how_the_job_goes_on(reducing: Desk, tmp_path: Path) -> None:
    worker = reducing.worker()
    until((tmp_path / "begun").exists, "the reduce")
    reducing.bucket.put("out/part-00000", b"mine")
    (tmp_path / "go").touch()
    done = worker.wait()
    assert done.code == 1
    assert "something that this job did not write stands where a part of" in done.stderr
    assert done.stderr.endswith(
        "move it away, then the job continues by itself; "
        f"if it has failed, by kubemr-shell retry words -n {reducing.namespace}\n"
    )
    reducing.bucket.client.delete_object(Bucket=reducing.bucket.name, Key="out/part-00000")
    assert reducing.worker(name="y", state="PUBLISH").wait().code == 0
    assert reducing.run("results", "words").stdout == b"      1 a\n      2 b\n      1 c\n"


def test_what_cannot_be_mended_is_followed_by_how_the_job_begins_anew(reducing: Desk, tmp_path: Path) -> None:
    worker = reducing.worker()
    until((tmp_path / "begun").exists, "the reduce")
    worker.interrupt()
    gone = [key for key in reducing.bucket.keys("out/_kubemr/") if key.endswith(".manifest")]
    for key in gone:
        reducing.bucket.client.delete_object(Bucket=reducing.bucket.name, Key=key)
    there = f"-n {reducing.namespace}"
    done = reducing.worker(name="y", state="REDUCE").wait()
    assert done.code == 1
    assert f"{gone[0]}: no such object" in done.stderr
    assert done.stderr.endswith(
        "the job cannot continue without it: start it again: "
        f"kubemr-shell delete words --wait {there} && kubemr-shell submit JOB.yaml {there}\n"
    )
