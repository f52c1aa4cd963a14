"""A list of inputs that can be read only once: from standard input, or from a pipe that the shell has made."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.scenarios.crashes import dying
from tests.support.calls import KUBEMR_SHELL
from tests.support.runs import Place

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
JOB = ("-q", "-p", "1", "-m", "cat")


@pytest.fixture(autouse=True)
def inputs(place: Place) -> None:
    place.write("a", "1\n")
    place.write("b", "2\n")
    place.write("list", "a\nb\n")


@contextmanager
def list_on_stdin(place: Place) -> Iterator[int]:
    """A pipe with the list."""
    reading, writing = os.pipe()
    os.write(writing, b"a\nb\n")
    os.close(writing)
    yield reading
    os.close(reading)


@WORKERS
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_list_on_stdin_is_read(place: Place, workers: str, name: str) -> None:
    with list_on_stdin(place) as stdin:
        done = place.run("run", *JOB, "--workers", workers, "--inputs-from", name, stdin=stdin)
    assert (done.code, done.stdout, done.stderr) == (0, b"1\n2\n", "")


@WORKERS
def test_a_process_substitution_is_read(place: Place, workers: str) -> None:
    run = shlex.join([KUBEMR_SHELL, "run", *JOB, "--workers", workers])
    line = f"{run} --inputs-from <(cat list)"
    done = subprocess.run(
        [*place.environment(), "bash", "-c", line], cwd=place.folder, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1\n2\n", b"")


@WORKERS
@pytest.mark.parametrize("output", [(), ("-o", "out")], ids=["stdout", "folder"])
def test_a_list_without_end_is_an_error(place: Place, workers: str, output: tuple[str, ...]) -> None:
    done = place.run("run", *JOB, "--workers", workers, "--inputs-from", "/dev/zero", *output)
    assert done.code == 3
    assert "/dev/zero: byte 0: a line of the list of inputs (inputsFrom) is longer than 65,536 bytes" in done.stderr
    assert place.run("plan", "-m", "cat", "--inputs-from", "/dev/zero").code == 3


def test_a_run_that_died_before_its_plan_needs_no_list_again(place: Place) -> None:
    os.mkfifo(place.folder / "pipe")
    writer = threading.Thread(target=lambda: (place.folder / "pipe").write_text("a\nb\n"))
    writer.start()
    arguments = ("run", *JOB, "-o", "out", "--inputs-from", "pipe")
    died = place.run(*arguments, environment=dying(place, on="plan", at=1))
    writer.join()
    assert died.code == -9
    done = place.run(*arguments, "--resume")
    assert done.code == 0, done.stderr
    assert place.parts()["part-00000"] == b"1\n2\n"


def test_a_plan_reads_the_list_too(place: Place) -> None:
    with list_on_stdin(place) as stdin:
        done = place.run("plan", "-m", "cat", "--inputs-from", "-", stdin=stdin)
    assert done.code == 0, done.stderr
    assert b"2 inputs" in done.stdout


def test_an_empty_list_is_named_as_it_was_given(place: Place) -> None:
    done = place.run("run", *JOB, "--inputs-from", "-")
    assert done.code == 3
    assert done.stderr.endswith("failed: -: this list of inputs (inputsFrom) is empty\n")


def test_stdin_cannot_be_the_list_and_an_input(place: Place) -> None:
    with list_on_stdin(place) as stdin:
        done = place.run("run", *JOB, "--inputs-from", "-", "-", stdin=stdin)
    assert done.code == 2
    assert done.stderr == (
        "kubemr-shell: standard input cannot be both the list of inputs and an input: write the list to a file, "
        "and name it with --inputs-from FILE\n"
    )
