"""``clean`` where there is nobody to ask: the bucket is gone, or what is in it is of a cluster that is elsewhere."""

from __future__ import annotations

from dataclasses import replace

from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_runs import NAME, S3Place

UID = "5f0c1c2d-0000-4000-8000-000000000001"
LEFT = f"{NAME}/_kubemr/{UID}/stage/0.0"


def test_what_is_left_here_of_a_job_goes_though_its_bucket_is_gone(s3: S3Place) -> None:
    broken = replace(s3, job=WordCount(before_reduce="exit 9; "))
    assert broken.count("--max-attempts", "1").code == 4
    assert list(s3.place.state.iterdir()) != []
    with s3.bucket.away():
        done = s3.run("clean", s3.output)
        assert (done.code, done.stderr) == (0, "")
        assert list(s3.place.state.iterdir()) == []
        done = s3.run("clean", s3.output)
        assert done.code == 1
        assert f"there is no bucket {s3.bucket.name}: check its name" in done.stderr
        assert list(s3.place.state.iterdir()) == []


def test_what_a_job_of_a_cluster_may_still_need_is_removed_by_force_alone(s3: S3Place) -> None:
    s3.bucket.put(LEFT, b"")
    done = s3.run("clean", s3.output)
    assert done.code == 2
    assert f"{s3.output} holds temporaries of a job of a cluster ({UID}), which may be at work" in done.stderr
    assert done.stderr.endswith(f"if the job is gone: kubemr-shell clean --force {s3.output}\n")
    assert s3.bucket.keys() == [LEFT]
    done = s3.count()
    assert done.code == 2
    assert f"kubemr-shell clean --force {s3.output} removes what it left" in done.stderr
    assert s3.run("clean", "--force", s3.output).code == 0
    assert s3.bucket.keys() == []
