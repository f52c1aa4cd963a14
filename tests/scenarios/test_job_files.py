"""``files`` and ``archives`` behind URIs: fetched once by each worker, before any command runs."""

from __future__ import annotations

import signal
import threading
import zipfile

import pytest

from kubemr_shell.waits.retry import READING_PATIENCE
from tests.support.archives import tar_gz_of
from tests.support.http_server import Resource, Server, serving
from tests.support.runs import NOTE, Place
from tests.support.s3_server import Bucket
from tests.support.waiting import PATIENCE_SECONDS, until

RUNS = pytest.mark.parametrize("flags", [("--slots", "2"), ("--workers", "2")], ids=["one process", "two workers"])
SCRIPT = b"#!/bin/sh\ncat - data.tar.gz/folder/words\n"
ARCHIVE = tar_gz_of([("folder/words", b"and\n")])
FOUR_TASKS = ("--split-bytes", "4", "-p", "1")


def requests(server: Server, path: str) -> int:
    """Return how often the whole of a file was asked for; its first bytes are asked for once before that."""
    asked = [request for request in server.requests if request.path == path]
    return len([request for request in asked if request.headers.get("Range") != "bytes=0-511"])


@RUNS
def test_files_and_archives_of_servers_are_in_the_folder_of_each_attempt(place: Place, flags: tuple[str, ...]) -> None:
    place.write("in", "a\nb\nc\nd\ne\nf\ng\nh\n")
    with serving({"/map.sh?v=1": Resource(SCRIPT), "/deep/data.tar.gz": Resource(ARCHIVE)}) as server:
        uris = ("--file", server.url("/map.sh?v=1"), "--archive", server.url("/deep/data.tar.gz"))
        done = place.run("run", "-o", "out", *uris, "-m", f"{NOTE}./map.sh", *FOUR_TASKS, *flags, "in")
        workers = 2 if "--workers" in flags else 1
        assert done.code == 0, done.stderr
        assert 1 <= requests(server, "/map.sh?v=1") == requests(server, "/deep/data.tar.gz") <= workers
    assert len(place.attempts("map")) == 4
    assert place.parts()["part-00000"].split() == [*b"a and and and and b c d e f g h".split()]


def test_files_and_archives_may_have_other_names_in_the_folder_of_each_attempt(place: Place) -> None:
    place.write("in", "a\n")
    place.write("words#1", "of words\n")
    (place.folder / "here.tar.gz").write_bytes(ARCHIVE)
    with zipfile.ZipFile(place.folder / "here.zip", "w") as packed:
        packed.writestr("inside", "of a zip file\n")
    with serving({"/v1/data.tar.gz": Resource(ARCHIVE), "/v2/data.tar.gz": Resource(ARCHIVE)}) as server:
        archives = [
            server.url("/v1/data.tar.gz#one"),
            server.url("/v2/data.tar.gz#two"),
            "here.tar.gz#three",
            "here.zip#four",
        ]
        flags = [flag for name in archives for flag in ("--archive", name)]
        command = "cat one/folder/words two/folder/words three/folder/words four/inside dictionary"
        done = place.run("run", "-o", "out", "--file", "words#1#dictionary", *flags, "-m", command, "-p", "0", "in")
    assert done.code == 0, done.stderr
    assert place.parts() == {"part-00000": b"and\nand\nand\nof a zip file\nof words\n"}


def test_a_name_with_a_hash_needs_another_name_behind_it(place: Place) -> None:
    place.write("in", "a\n")
    place.write("c#.txt", "C sharp\n")
    done = place.run("run", "-o", "out", "--file", "c#.txt", "-m", "cat", "-p", "0", "in")
    assert done.code == 2
    assert (
        f"there is no {place.folder}/c: for the file with # in its name, write {place.folder}/c#.txt#NAME"
        in done.stderr
    )


@RUNS
@pytest.mark.parametrize("kind", ["--file", "--archive"])
def test_one_that_is_missing_ends_the_job_before_any_command_runs(
    place: Place, flags: tuple[str, ...], kind: str
) -> None:
    place.write("in", "a\n")
    with serving({}) as server:
        url = server.url("/data.tar")
        done = place.run("run", "-o", "out", kind, url, "-m", f"{NOTE}cat", *flags, "in")
    assert done.code == 3
    assert f" failed: {url}: the server answered 404" in done.stderr
    assert place.attempts() == []
    assert list(place.output.iterdir()) == []


@RUNS
def test_a_signal_ends_the_fetching(place: Place, flags: tuple[str, ...]) -> None:
    place.write("in", "a\n")
    with serving({"/f": Resource(b"1234", hold=threading.Event())}) as server:
        run = place.start("run", "-o", "out", "--file", server.url("/f"), "-m", f"{NOTE}cat", *flags, "in")
        assert server.half_sent.wait(PATIENCE_SECONDS)
        run.signal(signal.SIGTERM)
        assert run.wait(READING_PATIENCE.idle).code == 143
        until(lambda: place.processes() == [], "the end of the workers")
    assert place.attempts() == []
    assert list(place.output.iterdir()) == []


def test_a_file_of_s3_is_in_the_folder_of_each_attempt(place: Place, bucket: Bucket) -> None:
    bucket.put("tools/map.sh", b"#!/bin/sh\nrev\n")
    place.write("in", "abc\n")
    job = place.write(
        "job.yaml",
        f"""apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {{name: reverse}}
spec:
  inputs: [in]
  output: out
  partitions: 1
  mapCommand: [map.sh]
  files: ["{bucket.uri}/tools/map.sh"]
  s3: {{endpoint: "{bucket.server.endpoint}"}}
""",
    )
    done = place.run("run", str(job), environment=bucket.server.environment)
    assert done.code == 0, done.stderr
    assert place.parts() == {"part-00000": b"cba\n"}
