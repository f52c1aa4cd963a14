"""Outputs in S3: what a run leaves there, what it refuses, and what the other commands make of it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace

import pytest

from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_runs import NAME, S3Place
from tests.support.calls import KUBEMR_SHELL
from tests.support.runs import WAIT
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.waiting import until

UID = "5f0e1c2d-0000-4000-8000-000000000001"
"""As Kubernetes gives a job of a cluster one."""

RUNS = pytest.mark.parametrize(
    "flags", [("--slots", "2"), ("--workers", "2", "--slots", "2")], ids=["one process", "two workers"]
)


@RUNS
def test_parts_and_success_are_all_that_a_run_leaves_and_it_prints_where_they_are(
    s3: S3Place, flags: tuple[str, ...]
) -> None:
    done = s3.count(*flags)
    assert done.code == 0, done.stderr
    s3.assert_complete()
    assert done.stdout.decode().splitlines() == [f"{s3.output}/{name}" for name in s3.job.parts()]
    assert f"5 parts, 727 B in {s3.output}, " in done.stderr


def test_a_slash_at_the_end_changes_nothing_and_quiet_leaves_the_uris(s3: S3Place) -> None:
    done = s3.run(*s3.arguments("-q", "-o", f"{s3.output}//"))
    assert (done.code, done.stderr) == (0, "")
    s3.assert_complete()
    assert len(done.stdout.splitlines()) == 5


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_map_only_job_and_its_empty_parts(s3: S3Place, compression: str) -> None:
    s3.place.write("in", "a\nb\n")
    arguments = (
        "run",
        "-m",
        'grep a || [ "$?" = 1 ]',
        "-p",
        "0",
        "--split-bytes",
        "2",
        "--compress-output",
        compression,
    )
    done = s3.run(*arguments, "-o", s3.output, "in")
    assert done.code == 0, done.stderr
    suffix = {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]
    s3.assert_left(f"part-00000{suffix}", f"part-00001{suffix}", "_SUCCESS")
    assert [part["records"] for part in s3.success()["parts"]] == [1, 0]


def test_the_whole_of_a_bucket_can_be_an_output(s3: S3Place) -> None:
    done = s3.run(*s3.arguments("-o", s3.bucket.uri))
    assert done.code == 0, done.stderr
    assert sorted(s3.bucket.keys()) == ["_SUCCESS", *s3.job.parts()]


def test_a_finished_result_is_kept_unless_it_is_to_be_overwritten(s3: S3Place) -> None:
    assert s3.count().code == 0
    before = s3.success()
    done = s3.count()
    assert done.code == 2
    assert f"the output {s3.output} holds a finished result: --overwrite replaces it" in done.stderr
    assert s3.success() == before
    fewer = replace(s3, job=WordCount(partitions=2))
    done = fewer.count("--overwrite")
    assert done.code == 0, done.stderr
    fewer.assert_complete()


def test_a_resumption_of_a_finished_result_does_nothing(s3: S3Place) -> None:
    first = s3.count()
    before = s3.success()
    done = s3.count("--resume")
    assert done.code == 0
    assert "is finished: there is nothing to resume" in done.stderr
    assert done.stdout == first.stdout
    assert s3.success() == before
    s3.assert_complete()


def test_objects_of_somebody_else_are_refused_whatever_the_flags(s3: S3Place) -> None:
    s3.bucket.put(f"{NAME}/notes.txt", b"mine")
    s3.bucket.put(f"{NAME}/sub/deep/note", b"mine")
    s3.bucket.put(f"{NAME}/", b"")
    for flag in ("--quiet", "--overwrite", "--resume"):
        done = s3.count(flag)
        assert done.code == 2
        assert "holds files that kubemr-shell did not write (notes.txt, sub): choose another prefix" in done.stderr
    assert s3.place.attempts() == []
    assert len(s3.bucket.keys()) == 3


def test_the_empty_object_that_consoles_make_for_a_folder_is_no_stranger(s3: S3Place) -> None:
    s3.bucket.put(f"{NAME}/", b"")
    done = s3.count()
    assert done.code == 0, done.stderr
    assert s3.parts() == s3.job.parts()


def test_an_output_under_an_input_is_refused(s3: S3Place) -> None:
    done = s3.run("run", "-m", "cat", "-o", s3.output, f"{s3.bucket.uri}/jobs/")
    assert done.code == 2
    assert f"the output {s3.output} is at or under the input {s3.bucket.uri}/jobs/" in done.stderr


def test_a_second_run_into_the_same_output_is_refused_while_the_first_works(s3: S3Place) -> None:
    waiting = replace(s3, job=WordCount(before_map=WAIT))
    with s3.place.closed_gate() as open_gate:
        run = waiting.start(*waiting.arguments())
        until(s3.place.attempts, "a map task")
        for flags in ((), ("--overwrite",), ("--resume",)):
            done = waiting.count(*flags)
            assert done.code == 2
            assert f"another run is at work in {s3.output}" in done.stderr
        elsewhere = {"XDG_STATE_HOME": str(s3.place.folder / "other")}
        for flags in ((), ("--overwrite",)):
            done = waiting.count(*flags, environment=elsewhere)
            assert done.code == 2
            assert f"another run is at work in {s3.output} (process {run.process.pid} of " in done.stderr
        cleaned = s3.run("clean", "--force", s3.output)
        assert cleaned.code == 2
        assert "another run is at work" in cleaned.stderr
        open_gate()
        done = run.wait()
    assert done.code == 0, done.stderr
    s3.assert_complete()
    assert not (s3.place.folder / "other" / "kubemr-shell").exists() or not os.listdir(
        s3.place.folder / "other" / "kubemr-shell"
    )


@pytest.mark.parametrize("flags", [(), ("--overwrite",), ("--resume",)])
def test_an_output_in_which_a_job_of_a_cluster_may_be_at_work_is_refused(s3: S3Place, flags: tuple[str, ...]) -> None:
    """Its plan would be removed with all that it has done, and it could not end any more."""
    left = f"{NAME}/_kubemr/{UID}/plan/0.splits-00000.jsonl"
    s3.bucket.put(left, b"")
    done = s3.count(*flags)
    assert done.code == 2
    assert f"{s3.output} holds temporaries of a job of a cluster ({UID}): wait for its end" in done.stderr
    assert s3.bucket.keys(f"{NAME}/") == [left]
    assert s3.run("clean", "--force", s3.output).code == 0
    assert s3.count(*flags).code == 0
    s3.assert_complete()


def test_a_job_of_a_cluster_that_comes_at_the_same_moment_is_seen(s3: S3Place) -> None:
    """It has left its mark before this run left its own, and may not have seen that."""
    mark, owner = f"{NAME}/_kubemr/{UID}/owner", f"{NAME}/_kubemr/owner"

    def comes(request: Request) -> None:
        if request.operation == "PutObject" and request.key == owner:
            s3.bucket.put(mark, b"words\n")

    with proxying(s3.bucket.server.endpoint, comes) as proxy:
        done = replace(s3, endpoint=proxy.endpoint).count()
    assert done.code == 2
    assert f"{s3.output} holds temporaries of a job of a cluster ({UID}): wait for its end" in done.stderr
    assert s3.bucket.keys(f"{NAME}/") == [mark], "the run has given the output back"


def test_a_failed_job_shows_nothing_and_can_be_looked_at_resumed_and_cleaned(s3: S3Place) -> None:
    broken = replace(s3, job=WordCount(before_reduce='[ -e mended ] || [ -e "$GATE" ] || { echo oh >&2; exit 9; }; '))
    failed = broken.count("--max-attempts", "1")
    assert failed.code == 4
    assert s3.parts() == {}
    assert f"kubemr-shell debug {s3.output} reduce/" in failed.stderr
    assert f"-o {s3.output}" in failed.stderr.partition("continue when fixed:")[2]
    refused = broken.count()
    assert refused.code == 2
    assert f"the output {s3.output} holds an unfinished job: --resume continues it" in refused.stderr
    task = failed.stderr.partition(f"debug {s3.output} ")[2].split()[0]
    assert s3.run("debug", s3.output, task).code == 9
    maps = s3.place.attempts("map")
    s3.place.write("gate", "")
    assert s3.run("debug", s3.output, "map/0").stdout
    done = broken.count("--resume")
    assert done.code == 0, done.stderr
    assert s3.place.attempts("map") == [*maps, "map/0.0"], "only what debug ran again"
    broken.assert_complete()


def test_clean_removes_what_a_failed_job_left_and_keeps_a_result(s3: S3Place) -> None:
    assert s3.count().code == 0
    before = s3.parts()
    broken = replace(s3, job=WordCount(before_reduce='[ "$KUBEMR_TASK" = 0 ] || exit 9; '))
    assert broken.count("--overwrite", "--max-attempts", "1", "--slots", "1").code == 4
    assert s3.parts() == before
    assert len(s3.bucket.keys(f"{NAME}/_kubemr/")) > 0
    done = s3.run("clean", s3.output)
    assert (done.code, done.stderr) == (0, "")
    s3.assert_left(*before, "_SUCCESS")
    assert s3.parts() == before
    done = s3.run("clean", s3.output)
    assert done.code == 3
    assert f"{s3.output}: there is nothing to clean" in done.stderr


def test_what_a_run_on_another_machine_left_is_removed_by_force(s3: S3Place) -> None:
    waiting = replace(s3, job=WordCount(before_reduce=WAIT))
    with s3.place.closed_gate():
        run = waiting.start(*waiting.arguments())
        until(lambda: s3.place.attempts("reduce"), "a reduce task")
        run.kill()
    s3.place.end()
    s3.place.state.rename(s3.place.folder / "gone")  # now that machine is another one
    for flags in ((), ("--resume",), ("--overwrite",)):
        done = s3.count(*flags)
        assert done.code == 2
        assert f"clean --force {s3.output}" in done.stderr
    done = s3.run("clean", s3.output)
    assert done.code == 2
    assert s3.run("clean", "--force", s3.output).code == 0
    s3.assert_left()
    done = s3.count()
    assert done.code == 0, done.stderr
    s3.assert_complete()


def test_uploads_that_nobody_knows_are_removed_by_clean_and_by_the_next_run(s3: S3Place) -> None:
    """Only uploads for names of ours in the output are removed."""

    def begin(*names: str) -> None:
        for name in names:
            s3.bucket.client.create_multipart_upload(Bucket=s3.bucket.name, Key=name)

    others = [f"{NAME}/data", f"{NAME}/sub/part-00000", "jobs/out2/part-00000"]
    begin(*others, f"{NAME}/part-00000", f"{NAME}/_SUCCESS")
    done = s3.run("clean", s3.output)
    assert done.code == 0, done.stderr
    assert sorted(key for key, _ in s3.bucket.uploads()) == sorted(others)
    assert s3.bucket.keys() == []
    begin(f"{NAME}/part-00000", f"{NAME}/part-00007.gz")
    done = s3.count()
    assert done.code == 0, done.stderr
    assert sorted(key for key, _ in s3.bucket.uploads()) == sorted(others)
    assert s3.parts() == s3.job.parts()


def test_results_come_in_order_and_head_ends_it_quietly(s3: S3Place) -> None:
    assert s3.count().code == 0
    done = s3.run("results", s3.output)
    assert done.code == 0, done.stderr
    assert done.stdout == b"".join(s3.job.parts().values())
    line = f"{KUBEMR_SHELL} results {s3.output}/ | head -n 1; echo ${{PIPESTATUS[0]}}"
    headed = subprocess.run(
        [*s3.place.environment(s3.environment), "bash", "-c", line], capture_output=True, check=True, timeout=60
    )
    assert headed.stdout.splitlines()[1] == b"0"
    assert headed.stderr == b""


def test_results_of_large_parts_and_head(s3: S3Place) -> None:
    s3.place.write("in", "1\n2\n")
    assert (
        s3.run(
            "run", "-m", "yes $KUBEMR_TASK | head -c 30M", "-p", "0", "--split-bytes", "2", "-o", s3.output, "in"
        ).code
        == 0
    )
    done = s3.run("results", s3.output)
    assert done.code == 0
    assert done.stdout == b"0\n" * (15 << 20) + b"1\n" * (15 << 20)
    line = f"{KUBEMR_SHELL} results {s3.output} | head -n 1; echo ${{PIPESTATUS[0]}}"
    headed = subprocess.run(
        [*s3.place.environment(s3.environment), "bash", "-c", line], capture_output=True, check=True, timeout=60
    )
    assert (headed.stdout, headed.stderr) == (b"0\n0\n", b"")


def test_results_that_were_changed_or_are_not_there(s3: S3Place) -> None:
    done = s3.run("results", s3.output)
    assert done.code == 3
    assert f"{s3.output}: there is no finished result (no _SUCCESS)" in done.stderr
    assert s3.count().code == 0
    s3.bucket.put(f"{NAME}/part-00001", b"x\n")
    done = s3.run("results", s3.output)
    assert done.code == 1
    assert f"{s3.output}/part-00001: has 2 bytes, _SUCCESS says" in done.stderr
    s3.bucket.delete(f"{NAME}/part-00000")
    done = s3.run("results", s3.output)
    assert done.code == 1
    assert f"{s3.output}/part-00000: the part is missing, though _SUCCESS names it" in done.stderr


def test_the_state_of_a_kept_job_can_be_debugged_and_cleaned(s3: S3Place) -> None:
    assert s3.count("--keep-tmp").code == 0
    done = s3.run("debug", s3.output, "reduce/0")
    assert done.code == 0, done.stderr
    assert done.stdout == s3.job.parts()["part-00000"]
    assert s3.run("clean", s3.output).code == 0
    s3.assert_complete()


def test_a_job_in_yaml_says_where_its_store_is(s3: S3Place) -> None:
    document = {
        "apiVersion": "turbobytes.com/v1alpha1",
        "kind": "MapReduceJob",
        "metadata": {"name": "words"},
        "spec": {
            "inputs": ["words"],
            "mapCommand": "cat",
            "reduceCommand": "uniq -c",
            "partitions": 5,
            "output": f"{s3.output}/",
            "s3": {"endpoint": s3.bucket.server.endpoint},
        },
    }
    s3.job.arguments(s3.place)
    s3.place.write("job.yaml", json.dumps(document))
    done = s3.place.run("run", "job.yaml", "--workers", "2", "--slots", "1")
    assert done.code == 0, done.stderr
    s3.assert_complete()
    for output in ([], [s3.output]):
        done = s3.place.run("results", "--job", "job.yaml", *output)
        assert (done.code, done.stdout) == (0, b"".join(s3.job.parts().values())), done.stderr
    s3.bucket.put(f"{NAME}/_kubemr/{UID}/stage/0.0", b"")
    s3.bucket.put(f"{NAME}/_kubemr/notes/a", b"mine")
    assert s3.place.run("clean", "--job", "job.yaml", "--force").code == 0
    assert s3.bucket.keys(f"{NAME}/_kubemr/") == [f"{NAME}/_kubemr/notes/a"], "what is no job's stays"
    s3.bucket.delete(f"{NAME}/_kubemr/notes/a")
    s3.assert_complete()


@pytest.fixture
def words(s3: S3Place) -> str:
    """The URI of the job's input, in two objects."""
    s3.job.arguments(s3.place)
    lines = (s3.place.folder / s3.job.input).read_bytes().splitlines(keepends=True)
    s3.bucket.put("logs/a", b"".join(lines[:700]))
    s3.bucket.put("logs/b", b"".join(lines[700:]))
    return f"{s3.bucket.uri}/logs/"


def from_s3(s3: S3Place, words: str, *flags: str) -> list[str]:
    arguments = s3.arguments(*flags)
    arguments[arguments.index(s3.job.input)] = words
    return arguments


@RUNS
def test_a_word_count_from_s3_to_s3_is_that_of_files(s3: S3Place, words: str, flags: tuple[str, ...]) -> None:
    done = s3.run(*from_s3(s3, words, *flags))
    assert done.code == 0, done.stderr
    s3.assert_complete()


@pytest.mark.parametrize("change", ["another", "gone"])
def test_a_resumption_finds_that_an_object_changed(s3: S3Place, words: str, change: str) -> None:
    broken = replace(s3, job=WordCount(before_reduce='[ -e "$GATE" ] || exit 9; '))
    assert s3.run(*from_s3(broken, words, "--max-attempts", "1")).code == 4
    s3.place.write("gate", "")
    maps = s3.place.attempts("map")
    before = s3.bucket.get("logs/b")
    s3.bucket.delete("logs/b")
    if change == "another":
        s3.bucket.put("logs/b", before.upper())
    done = s3.run(*from_s3(broken, words, "--resume"))
    assert done.code == 3
    says = "changed since the job was planned" if change == "another" else "cannot be read any more (no such object)"
    assert f"{words}b: {says}" in done.stderr
    s3.bucket.put("logs/b", before)
    done = s3.run(*from_s3(broken, words, "--resume"))
    assert done.code == 0, done.stderr
    assert s3.place.attempts("map") == maps
    broken.assert_complete()
