"""Tests of standard streams that fail or are non-blocking, as another program that shares them may have set them."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.calls import KUBEMR_SHELL

JOB = """
apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {name: words}
spec: {inputs: [in], mapCommand: cat, partitions: 1}
"""
WARNED = ("--slots", "64", "--memory", "256Mi")
"""Flags with which a run says something on stderr before it begins."""


@contextmanager
def dead() -> Iterator[int]:
    """Yield the writing end of a pipe whose reader is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextmanager
def full() -> Iterator[int]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


Stream = Callable[[], AbstractContextManager[int]]
STREAMS = pytest.mark.parametrize("stream", [dead, full])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").write_bytes(b"a\nb\n")
    (tmp_path / "job.yaml").write_text(JOB)
    return tmp_path


def start(
    folder: Path,
    *arguments: str,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [KUBEMR_SHELL, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},  # noqa: TID251 - PATH alone is kept
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


@STREAMS
@pytest.mark.parametrize("flags", [(), ("--workers", "2"), ("-q",)], ids=["one process", "two workers", "quiet"])
def test_a_stderr_that_takes_nothing_changes_no_run(folder: Path, stream: Stream, flags: tuple[str, ...]) -> None:
    with stream() as stderr:
        run = start(folder, "run", "-m", "cat", "-p", "1", "-o", "out", *WARNED, *flags, "in", stderr=stderr)
        assert run.communicate()[0] == b""
    assert run.returncode == 0
    assert (folder / "out" / "part-00000").read_bytes() == b"a\nb\n"


@STREAMS
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", *WARNED, "-m", "false", "--max-attempts", "1", "in"), 4),
        (("run", "-m", "cat", "missing"), 3),
        (("run", "--no-such-flag"), 2),
        (("validate", "in"), 2),
        (("results", "./out"), 2),
    ],
)
def test_an_error_has_its_exit_code_though_stderr_takes_nothing(
    folder: Path, stream: Stream, arguments: tuple[str, ...], code: int
) -> None:
    with stream() as stderr:
        run = start(folder, *arguments, stderr=stderr)
        run.communicate()
    assert run.returncode == code


@pytest.mark.parametrize("arguments", [("--help",), ("install",), ("plan", "job.yaml"), ("validate", "job.yaml")])
def test_a_full_stdout_is_named_and_nobody_is_told_to_resume(folder: Path, arguments: tuple[str, ...]) -> None:
    with full() as stdout:
        run = start(folder, *arguments, stdout=stdout)
        said = run.communicate()[1].decode()
    assert run.returncode == 1
    assert said == "kubemr-shell: stdout: No space left on device: the output could not be written there\n"


@pytest.mark.parametrize("arguments", [("--help",), ("install",), ("plan", "job.yaml"), ("validate", "job.yaml")])
def test_a_reader_of_stdout_that_is_gone_is_no_failure(folder: Path, arguments: tuple[str, ...]) -> None:
    with dead() as stdout:
        run = start(folder, *arguments, stdout=stdout)
        assert run.communicate()[1] == b""
    assert run.returncode == 0


def test_what_is_found_wrong_counts_though_nobody_reads_it(folder: Path) -> None:
    with dead() as stdout:
        run = start(folder, "validate", "in", stdout=stdout)
        run.communicate()
    assert run.returncode == 2


@pytest.mark.parametrize("command", ["run", "results"])
def test_a_non_blocking_stdout_gets_everything(folder: Path, command: str) -> None:
    text = b"".join(b"%d\n" % number for number in range(100_000))
    (folder / "in").write_bytes(text)
    arguments = ["run", "-m", "cat", "-p", "0", "in"]
    if command == "results":
        start(folder, *arguments, "-o", "out").communicate()
        arguments = ["results", "out"]
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    run = start(folder, *arguments, stdout=writing)
    os.close(writing)
    with open(reading, "rb") as stdout:
        assert stdout.read() == text
    assert run.communicate()[1].count(b"kubemr-shell:") == 0
    assert run.returncode == 0


def test_a_non_blocking_stderr_gets_everything(folder: Path) -> None:
    """The pipe of stderr is full at first."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = os.write(writing, bytes(1 << 20))
    run = start(folder, "run", "-m", "false", "--max-attempts", "1", "in", stderr=writing)
    os.close(writing)
    with open(reading, "rb") as stderr:
        said = stderr.read()[filled:]
    run.communicate()
    assert run.returncode == 4
    assert b"failed: map/0" in said


@pytest.mark.parametrize(
    "arguments", [("run", "-q", "-p", "1", "-m", "cat", "-"), ("run", "-q", "-")], ids=["input", "job"]
)
def test_a_non_blocking_stdin_is_waited_for(folder: Path, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    run = start(folder, *arguments, stdin=reading)
    os.close(reading)
    data = b"a\nb\n" if "-m" in arguments else JOB.encode()

    def write() -> None:
        with open(writing, "wb", buffering=0) as stdin:
            stdin.writelines(bytes([byte]) for byte in data)

    writer = threading.Thread(target=write)
    writer.start()
    stdout, stderr = run.communicate()
    writer.join()
    assert (run.returncode, stdout, stderr) == (0, b"a\nb\n", b"")


def test_a_closed_stdin_is_an_empty_one(folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" validate - <&-', KUBEMR_SHELL], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"there is no document in it" in done.stdout + done.stderr
