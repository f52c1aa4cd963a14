"""Whole jobs on a real cluster: ``kubectl apply``, pods of the base image, parts in S3."""

import subprocess
import sys
from pathlib import Path

import pytest

from kubemr_shell.kube.resources import BATCH_JOBS, CONFIG_MAPS, JOBS, ROLES, SERVICE_ACCOUNTS, SHARDS
from kubemr_shell.kube.status import Condition, condition
from tests.support.pods import Site

pytestmark = pytest.mark.cluster

LINES = b"".join(b"user%d\t%d\n" % (number % 37, number) for number in range(30_000))
WORDS = b"the quick brown fox\njumps over the lazy dog\n" * 2000


def local(folder: Path, data: bytes, *arguments: str) -> bytes:
    """Return the output of ``kubemr-shell run`` for the same job."""
    (folder / "input").write_bytes(data)
    command = [sys.executable, "-m", "kubemr_shell", "run", "-q", *arguments, str(folder / "input")]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def test_a_job_in_pods_gives_the_same_bytes_as_run(site: Site, tmp_path: Path) -> None:
    site.bucket.put("in/words", WORDS)
    site.submit(
        "words",
        inputs=[f"{site.bucket.uri}/in/"],
        mapCommand="tr -s ' ' '\\n'",
        reduceCommand="uniq -c",
        replicas=2,
        partitions=3,
    )
    job = site.until_state("words", "COMPLETE")
    assert site.result("words") == local(tmp_path, WORDS, "-m", "tr -s ' ' '\\n'", "-r", "uniq -c", "-p", "3")
    assert job["status"]["results"]["parts"] == 3
    done = site.until(lambda: (found := site.job("words"))["status"].get("cleaned") and found)
    assert [key for key in site.bucket.keys("words/") if "_kubemr" in key] == []
    assert site.bucket.uploads() == []
    assert done["status"]["state"] == "COMPLETE"
    said = site.cluster.kubectl("-n", site.namespace, "wait", "--for=condition=Complete", "--timeout=30s", "mrj/words")
    assert "condition met" in said
    columns = site.until(lambda: "3/3" in (said := site.cluster.kubectl("-n", site.namespace, "get", "mrj")) and said)
    assert "COMPLETE" in columns


def test_a_map_only_job_with_awk(site: Site, tmp_path: Path) -> None:
    site.bucket.put("in/lines", LINES)
    awk = "awk -F'\\t' '$2 % 7 == 0'"
    site.submit(
        "sevens", inputs=[f"{site.bucket.uri}/in/lines"], mapCommand=awk, partitions=0, split={"maxBytes": "64Ki"}
    )
    site.until_state("sevens", "COMPLETE")
    assert site.result("sevens") == local(tmp_path, LINES, "-m", awk, "-p", "0")


def test_commands_in_pods_have_the_niceness_of_the_job(site: Site) -> None:
    site.bucket.put("in/lines", LINES)
    niceness = "cut -d ' ' -f 19 /proc/self/stat"
    commands = {"mapCommand": niceness, "reduceCommand": f"cat; {niceness}"}
    site.submit("nice", inputs=[f"{site.bucket.uri}/in/lines"], **commands, partitions=1, nice=18)
    site.until_state("nice", "COMPLETE")
    assert site.result("nice") == b"18\n18\n"


def test_an_invalid_job_says_all_that_is_wrong(site: Site) -> None:
    site.submit(
        "wrong", inputs=["s3://b/k"], mapCommand=["cat"], reduceCommand="", key={"fields": 1}, output="/tmp/here"
    )
    job = site.until(lambda: (found := site.job("wrong")).get("status", {}).get("conditions") and found)
    assert job["status"]["state"] == "FAIL"
    assert "reduceCommand" in job["status"]["failure"]["reason"]
    site.change("wrong", reduceCommand=None)
    job = site.until(lambda: "s3:// prefix" in str((found := site.job("wrong"))["status"].get("failure")) and found)
    assert job["status"]["state"] == "FAIL"


def test_an_output_that_holds_somebody_elses_part_is_refused_before_any_work(site: Site) -> None:
    """With it the job would publish half of its parts, and could neither go on nor fail."""
    site.bucket.put("in/lines", LINES)
    site.bucket.put("taken/part-00001", b"mine")
    site.submit("taken", inputs=[f"{site.bucket.uri}/in/lines"], mapCommand="cat", partitions=2)
    failure = site.until_state("taken", "FAIL")["status"]["failure"]
    assert failure["kind"] == "UsageError"
    assert "taken holds part-00001, which belongs to no finished result: move it away" in failure["reason"]
    assert site.bucket.keys("taken/") == ["taken/part-00001"]


def test_a_failing_job_is_explained_and_goes_on_after_a_retry(site: Site) -> None:
    site.bucket.put("in/lines", LINES)
    broken = 'awk \'{ print } END { print "no such luck" > "/dev/stderr"; exit 3 }\''
    site.submit(
        "broken",
        inputs=[f"{site.bucket.uri}/in/lines"],
        mapCommand="cat",
        reduceCommand=broken,
        partitions=1,
        maxAttempts=2,
    )
    job = site.until_state("broken", "FAIL")
    assert job["status"]["failure"]["task"] == "reduce/0"
    assert job["status"]["failure"]["exitStatus"] == 3
    assert "no such luck" in job["status"]["failure"]["stderr"]
    assert site.result("broken") == b""
    site.change("broken", reduceCommand="cat", retry=1)
    site.until(lambda: site.status("broken")["state"] == "COMPLETE")
    assert sorted(site.result("broken").splitlines()) == sorted(LINES.splitlines())


def test_a_job_is_cancelled(site: Site) -> None:
    site.bucket.put("in/lines", LINES)
    site.submit("long", inputs=[f"{site.bucket.uri}/in/lines"], mapCommand="sleep 300", partitions=0)
    site.until(lambda: site.running("long"))
    site.change("long", cancel=True)
    site.until_state("long", "CANCELLED")
    site.until(lambda: not site.running("long"))
    assert site.result("long") == b""


def test_nothing_is_left_of_a_job_that_is_deleted(site: Site) -> None:
    site.bucket.put("in/lines", LINES)
    site.submit("gone", inputs=[f"{site.bucket.uri}/in/lines"], mapCommand="cat; sleep 300", partitions=2)
    site.until_state("gone", "MAP")
    site.cluster.kubectl("-n", site.namespace, "delete", "mrj", "gone", "--wait=false")
    site.until(lambda: not site.cluster.client.list(JOBS, site.namespace)["items"])
    for resource in (SHARDS, BATCH_JOBS, SERVICE_ACCOUNTS, ROLES, CONFIG_MAPS):
        site.until(
            lambda resource=resource: (
                not [  # type: ignore[misc]
                    one
                    for one in site.cluster.client.list(resource, site.namespace)["items"]
                    if one["metadata"]["name"] not in ("default", "kube-root-ca.crt")
                ]
            )
        )
    site.until(lambda: not site.pods("gone"))
    assert site.bucket.keys("gone/") == []
    assert site.bucket.uploads() == []


def test_nothing_is_left_of_a_deleted_job_whose_image_can_no_longer_be_pulled(site: Site) -> None:
    """The image of the operator does it instead."""
    site.bucket.put("in/lines", LINES)
    site.submit("gone", inputs=[f"{site.bucket.uri}/in/lines"], mapCommand="cat; sleep 300", partitions=2)
    site.until_state("gone", "MAP")
    assert site.bucket.keys("gone/_kubemr/")
    site.change("gone", image="nowhere.invalid/nothing:1")
    site.cluster.client.delete(JOBS, site.namespace, "gone")
    site.until(lambda: not site.cluster.client.list(JOBS, site.namespace)["items"])
    assert site.bucket.keys("gone/") == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image": "nowhere.invalid/nothing:1"}, "ImageCannotBePulled"),
        (
            {"template": {"spec": {"nodeSelector": {"turbobytes.com/none": "such"}}}},
            "Unschedulable",
        ),
    ],
)
def test_what_keeps_workers_from_starting_is_said_within_seconds(
    site: Site, change: dict[str, object], reason: str
) -> None:
    site.submit("stuck", inputs=["s3://bucket/key"], mapCommand="cat", **change)

    def ready() -> tuple[str, str] | None:
        found = condition(site.job("stuck"), Condition.WORKERS_READY)
        return (found["status"], found["reason"]) if found else None

    site.until(lambda: ready() == ("False", reason), seconds=30)


def test_a_worker_that_uses_too_much_memory_is_named(site: Site) -> None:
    site.bucket.put("in/lines", LINES)
    site.submit(
        "fat",
        inputs=[f"{site.bucket.uri}/in/lines"],
        mapCommand="awk 'BEGIN { s = \"x\"; while (1) s = s s }'",
        partitions=0,
        maxAttempts=1,
        slots=1,
    )
    job = site.until_state("fat", "FAIL", seconds=100)
    assert "memory" in str(job["status"]["failure"]) or "OOM" in str(job["status"]["failure"])
