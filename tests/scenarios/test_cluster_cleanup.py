"""Tests of the objects of a cluster's job in its bucket: kept while the job may live, removed when it is gone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kubemr_shell.kube.resources import JOBS
from tests.support.desk import opened
from tests.support.pods import Site

pytestmark = pytest.mark.cluster

WORDS = b"b\na\n"
SOON_SECONDS = 30.0
"""Less than the second try of a cleanup comes after the first."""


def begin(site: Site, seconds: int) -> str:
    """A job whose only map takes that long; its uid, when it is at work."""
    site.bucket.put("in/words", WORDS)
    site.submit("words", inputs=[f"{site.bucket.uri}/in/"], mapCommand=f"cat; sleep {seconds}", partitions=1)
    uid: str = site.until_state("words", "MAP", "REDUCE", "PUBLISH", "COMPLETE")["metadata"]["uid"]
    return uid


def test_a_job_whose_bucket_is_gone_is_deleted_at_once(site: Site) -> None:
    begin(site, 300)
    with site.bucket.away():
        site.cluster.client.delete(JOBS, site.namespace, "words")
        site.until(lambda: not site.cluster.client.list(JOBS, site.namespace)["items"], seconds=SOON_SECONDS)


def test_clean_leaves_a_live_job_alone_and_names_the_way_to_find_it(site: Site, tmp_path: Path) -> None:
    uid, output = begin(site, 8), f"{site.bucket.uri}/words"
    with opened(site.cluster, site.namespace, site.bucket, tmp_path) as desk:
        done = desk.start("clean", output).wait()
        assert done.code == 2
        assert f"{output} holds temporaries of a job of a cluster ({uid}), which may be at work" in done.stderr
        find = done.stderr.partition("to find JOB: ")[2].partition("; ")[0]
        found = subprocess.run(
            f"KUBECONFIG={site.cluster.kubeconfig} {find}", shell=True, check=True, capture_output=True, text=True
        ).stdout
        assert found.split() == [site.namespace, "words", uid]
        site.until_state("words", "COMPLETE")
        assert site.result("words") == b"a\nb\n"
        site.until(lambda: site.status("words").get("cleaned"))
        done = desk.start("clean", output).wait()
        assert done.code == 3
        assert "there is nothing to clean" in done.stderr


def test_the_result_of_a_deleted_job_is_refused_with_what_makes_room(site: Site) -> None:
    """Who submits the same job again next week meets this."""
    begin(site, 0)
    site.until(lambda: site.status("words").get("cleaned"))
    before = site.bucket.keys("words/")
    site.cluster.client.delete(JOBS, site.namespace, "words")
    site.until(lambda: not site.cluster.client.list(JOBS, site.namespace)["items"])
    site.submit("words", inputs=[f"{site.bucket.uri}/in/"], mapCommand="cat", partitions=1)
    reason = site.until_state("words", "FAIL")["status"]["failure"]["reason"]
    assert "choose another output, or remove its parts and its _SUCCESS " in reason
    assert f"(aws s3 rm --recursive {site.bucket.uri}/words/) and retry" in reason
    assert site.bucket.keys("words/") == before
    site.bucket.delete(*before)  # as that command does
    site.change("words", retry=1)
    site.until(lambda: site.status("words")["state"] == "COMPLETE")
    assert site.result("words") == b"a\nb\n"
