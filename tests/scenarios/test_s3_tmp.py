"""``--tmp s3://…``: plan, journal and map outputs in a bucket, the output on this machine or in the bucket too."""

from __future__ import annotations

import base64
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.scenarios.jobs import WordCount, assert_complete, winner_of
from tests.scenarios.s3_runs import S3Place
from tests.support.runs import WAIT, Done, Run
from tests.support.s3_faults import Rule, Rules, kill
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.s3_server import Bucket
from tests.support.waiting import until

TMP = "jobs/tmp"
ONE_PROCESS, TWO_WORKERS = ("--slots", "2"), ("--workers", "2", "--slots", "1")
RUNS = pytest.mark.parametrize("flags", [ONE_PROCESS, TWO_WORKERS], ids=["one process", "two workers"])


def start(s3: S3Place, job: WordCount, *flags: str, tmp: bool = True) -> Run:
    """A run into a local folder, with its temporaries in the bucket."""
    place = ("--tmp", f"{s3.bucket.uri}/{TMP}/") if tmp else ()
    return s3.start(*job.arguments(s3.place), *place, *flags)


def run(s3: S3Place, job: WordCount, *flags: str, tmp: bool = True) -> Done:
    return start(s3, job, *flags, tmp=tmp).wait()


def map_keys(bucket: Bucket) -> dict[str, str]:
    """The keys of the map outputs by the names of their attempts."""
    return {key.rpartition("/")[2]: key for key in bucket.keys(f"{TMP}/") if "/map/" in key}


def assert_nothing_is_left(s3: S3Place) -> None:
    assert s3.bucket.keys(f"{TMP}/") == []
    assert s3.bucket.uploads() == []


@RUNS
def test_the_result_is_the_same_and_nothing_is_left(s3: S3Place, flags: tuple[str, ...]) -> None:
    job = WordCount(flags=flags)
    done = run(s3, job)
    assert done.code == 0, done.stderr
    assert_complete(s3.place, job)
    assert_nothing_is_left(s3)
    assert "PUT, COPY, POST and LIST" in done.stderr
    requests = s3.place.success()["requests"]
    assert requests["put"] >= job.map_tasks, "an object each, and the plan and the journal"
    assert requests["get"] >= job.partitions
    assert "repeated" not in requests


def test_output_and_temporaries_in_the_same_bucket(s3: S3Place) -> None:
    done = s3.count("--tmp", f"{s3.bucket.uri}/{TMP}")
    assert done.code == 0, done.stderr
    s3.assert_complete()
    assert_nothing_is_left(s3)


def test_temporaries_in_the_output_are_refused(s3: S3Place) -> None:
    done = s3.count("--tmp", f"{s3.output}/tmp")
    assert done.code == 2
    assert "is at or under the output" in done.stderr


def test_sorted_lines_without_a_reduce_command_and_compressed_parts(s3: S3Place) -> None:
    """The merge itself writes the parts, and writes them to a bucket."""
    s3.place.write("words", b"".join(b"w%d\n" % (number * 7 % 100) for number in range(1000)))
    expected = b"".join(sorted(b"w%d\n" % (number * 7 % 100) for number in range(1000)))
    plain = ("run", "-q", "-o", f"{s3.bucket.uri}/plain", "--tmp", f"{s3.bucket.uri}/{TMP}", "-p", "1", "-m", "cat")
    done = s3.run(*plain, "--split-bytes", "500", "words")
    assert done.code == 0, done.stderr
    assert s3.bucket.get("plain/part-00000") == expected
    assert_nothing_is_left(s3)


@pytest.mark.slow
@RUNS
@pytest.mark.parametrize("seed", range(2))
def test_a_killed_run_goes_on_with_what_is_in_the_bucket(s3: S3Place, flags: tuple[str, ...], seed: int) -> None:
    is_killed_and_resumed(s3, flags, seed)


@pytest.mark.slow
@RUNS
@pytest.mark.parametrize("seed", range(2, 30))
def test_runs_killed_at_many_moments(s3: S3Place, flags: tuple[str, ...], seed: int) -> None:
    is_killed_and_resumed(s3, flags, seed)


def is_killed_and_resumed(s3: S3Place, flags: tuple[str, ...], seed: int) -> None:
    """It is told at the first start where the temporaries are, and finds them by itself then."""
    chance = random.Random(seed)
    job = WordCount(lines=600, before_map="sleep 0.01; ", before_reduce="sleep 0.01; ", flags=flags)
    first = start(s3, job)
    wanted = chance.randrange(1, job.map_tasks + job.partitions)
    until(lambda: first.is_over() or len(s3.place.attempts()) >= wanted, f"{wanted} attempts")
    time.sleep(chance.uniform(0, 0.05))
    first.kill()

    done = run(s3, job, "--resume", tmp=False)

    assert done.code == 0, done.stderr
    assert_complete(s3.place, job)
    assert_nothing_is_left(s3)


@pytest.mark.slow
def test_no_map_task_runs_again_after_a_kill_in_the_reduce_phase(s3: S3Place) -> None:
    job = WordCount(before_reduce=WAIT, flags=TWO_WORKERS)
    with s3.place.closed_gate() as open_gate:
        first = start(s3, job)
        until(lambda: s3.place.attempts("reduce"), "a reduce task")
        first.kill()
        maps = s3.place.attempts("map")
        open_gate()
        done = run(s3, job, "--resume")
    assert done.code == 0, done.stderr
    assert s3.place.attempts("map") == maps
    assert_complete(s3.place, job)
    assert_nothing_is_left(s3)


def flip(bucket: Bucket, key: str) -> None:
    data = bytearray(bucket.get(key))
    data[-1] ^= 1
    bucket.put(key, bytes(data))


def cut(bucket: Bucket, key: str) -> None:
    bucket.put(key, bucket.get(key)[:-1])


def remove(bucket: Bucket, key: str) -> None:
    bucket.delete(key)


@RUNS
@pytest.mark.parametrize("harm", [flip, cut, remove])
def test_a_harmed_object_sends_exactly_its_task_back(
    s3: S3Place, flags: tuple[str, ...], harm: Callable[[Bucket, str], None]
) -> None:
    """The last byte is the last partition's, which no reducer has fetched yet."""
    job = WordCount(lines=400, partitions=6, before_reduce=WAIT, flags=(*flags, "--max-attempts", "1"))
    with s3.place.closed_gate() as open_gate:
        first = start(s3, job)
        until(lambda: s3.place.attempts("reduce"), "a reduce task")
        before = s3.place.attempts("map")
        keys = map_keys(s3.bucket)
        harmed, again = winner_of(3, keys)
        harm(s3.bucket, keys[harmed])
        open_gate()
        done = first.wait()
    assert done.code == 0, done.stderr
    assert_complete(s3.place, job)
    assert s3.place.attempts("map")[len(before) :] == [f"map/{again}"]
    assert_nothing_is_left(s3)


def test_a_long_map_output_is_sent_in_parts(s3: S3Place) -> None:
    """25 MB that cannot be compressed much, by one map task."""
    chance = random.Random(1)
    lines = [base64.b85encode(chance.randbytes(100)) for _ in range(200_000)]
    s3.place.write("lines", b"".join(line + b"\n" for line in lines))
    with proxying(s3.bucket.server.endpoint) as proxy:
        through = replace(s3, endpoint=proxy.endpoint)
        done = through.run(
            *("run", "-q", "-o", "out", "--tmp", f"{s3.bucket.uri}/{TMP}", "-p", "2", "--slots", "1", "-m", "cat"),
            *("--memory", "200Mi", "--whole-files", "lines"),
        )
        sent = [logged.request.operation for logged in proxy.log if "/map/" in logged.request.key]
    assert done.code == 0, done.stderr
    assert b"".join(s3.place.parts().values()).count(b"\n") == len(lines)
    assert sorted(b"".join(s3.place.parts().values()).splitlines()) == sorted(lines)
    assert sent.count("CompleteMultipartUpload") == 1
    assert "UploadPart" in sent
    assert_nothing_is_left(s3)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_a_request_is_resumed(s3: S3Place, after: bool) -> None:
    job = WordCount(lines=300, partitions=3, flags=ONE_PROCESS)
    with proxying(s3.bucket.server.endpoint) as proxy:
        assert run(replace(s3, endpoint=proxy.endpoint), job).code == 0
        total = len(proxy.log)
    chance = random.Random(f"{after}")
    for at in sorted(chance.sample(range(total), 4)):
        dies_at_a_request(s3, job, at=at, after=after)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_any_request_is_resumed(s3: S3Place, after: bool) -> None:
    job = WordCount(lines=300, partitions=3, flags=ONE_PROCESS)
    with proxying(s3.bucket.server.endpoint) as proxy:
        assert run(replace(s3, endpoint=proxy.endpoint), job).code == 0
        total = len(proxy.log)
    for at in range(total):
        dies_at_a_request(s3, job, at=at, after=after)


def dies_at_a_request(s3: S3Place, job: WordCount, *, at: int, after: bool) -> None:
    """Before the server gets it, or when that has done what it says."""
    shutil.rmtree(s3.place.output)
    runs: list[Run] = []
    with proxying(s3.bucket.server.endpoint) as proxy:

        def end(_: Request) -> None:
            runs[0].process.kill()

        proxy.policy = Rules(Rule(kill(end, after=after), after=at))
        runs.append(start(replace(s3, endpoint=proxy.endpoint), job))
        runs[0].process.wait()
        s3.place.end()
    done = run(s3, job, "--resume")
    assert done.code == 0, done.stderr
    assert_complete(s3.place, job)
    assert_nothing_is_left(s3)
