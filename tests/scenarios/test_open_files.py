"""Inputs that are named by the number of an open file. In a worker, the number means one of the worker's own files."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.support.calls import KUBEMR_SHELL
from tests.support.runs import Place

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
NUMBERS = (4, 6)
"""A worker has files of its own under some of these: its board, its pipes."""


@pytest.fixture(autouse=True)
def inputs(place: Place) -> None:
    place.write("a", "1\n")
    place.write("list", "a\n")


def run(place: Place, arguments: str, *, workers: str, redirection: str = "") -> tuple[int, bytes, str]:
    """Run a job that copies its inputs in a shell, and return its exit code, its stdout and its stderr."""
    command = shlex.join([KUBEMR_SHELL, "run", "-q", "-p", "1", "-m", "cat", "--workers", workers])
    done = subprocess.run(
        [*place.environment(), "bash", "-c", f"{command} {arguments} {redirection}"],
        cwd=place.folder,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


@WORKERS
@pytest.mark.parametrize("name", ["/dev/fd", "/proc/self/fd"])
def test_a_file_that_is_open_is_read_by_every_worker(place: Place, workers: str, name: str) -> None:
    for number in NUMBERS:
        done = run(place, f"{name}/{number}", workers=workers, redirection=f"{number}<a")
        assert done == (0, b"1\n", "")


@WORKERS
def test_a_link_to_a_file_that_is_open_is_read_by_every_worker(place: Place, workers: str) -> None:
    for number in NUMBERS:
        (place.folder / f"in{number}").symlink_to(f"/proc/self/fd/{number}")
        done = run(place, f"in{number}", workers=workers, redirection=f"{number}<a")
        assert done == (0, b"1\n", "")


@WORKERS
def test_a_list_that_is_an_open_file_is_read(place: Place, workers: str) -> None:
    for number in NUMBERS:
        done = run(place, f"--inputs-from /dev/fd/{number}", workers=workers, redirection=f"{number}<list")
        assert done == (0, b"1\n", "")


@WORKERS
def test_a_pipe_of_the_shell_is_no_input_and_the_message_says_so(place: Place, workers: str) -> None:
    code, stdout, stderr = run(place, "<(cat a)", workers=workers)
    assert (code, stdout) == (3, b"")
    assert "every process finds another file under such a name" in stderr
    assert stderr.endswith("name a file that has a path, or give it as standard input, with -\n")


@WORKERS
def test_a_list_cannot_name_an_open_file(place: Place, workers: str) -> None:
    for number in NUMBERS:
        place.write("list", f"/dev/fd/{number}\n")
        code, stdout, stderr = run(place, "--inputs-from list", workers=workers, redirection=f"{number}<a")
        assert (code, stdout) == (3, b"")
        assert f"/dev/fd/{number}: every process finds another file under such a name" in stderr


def test_a_job_whose_input_was_an_open_file_is_resumed_under_another_number(place: Place) -> None:
    job = "-o out -r " + shlex.quote(f"test -e {shlex.quote(str(place.folder))}/go && cat")
    code, _, stderr = run(place, f"{job} /dev/fd/5", workers="1", redirection="5<a")
    assert code == 4, stderr
    place.write("go", "")
    code, _, stderr = run(place, f"{job} --resume /dev/fd/6", workers="1", redirection="6<a")
    assert code == 0, stderr
    assert place.parts() == {"part-00000": b"1\n"}
