"""Moving a command's output into a file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from kubemr_shell.command.pump import SpliceDrain
from kubemr_shell.errors import OutOfSpace
from kubemr_shell.waits.flag import Flag
from tests.command.attempts import Attempts
from tests.support.waiting import until

GIBIBYTE = 1 << 30


def opened(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags)


@pytest.mark.parametrize("flags", [0, os.O_APPEND], ids=["spliced", "copied"])
def test_output_goes_into_the_file_as_it_is(attempt: Attempts, tmp_path: Path, flags: int) -> None:
    """A file that only appends cannot be spliced into."""
    path = tmp_path / "out"
    path.write_bytes(b"before\n")
    descriptor = opened(path, flags)
    os.lseek(descriptor, 0, os.SEEK_END)
    drain = SpliceDrain(descriptor)
    outcome = attempt("seq 1000000; printf 'no\\0newline'", drain=drain)
    os.close(descriptor)
    expected = b"".join(b"%d\n" % number for number in range(1, 1_000_001)) + b"no\0newline"
    assert (outcome.exit_status, drain.moved) == (0, len(expected))
    assert path.read_bytes() == b"before\n" + expected


def test_a_full_disk_ends_the_command(attempt: Attempts) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC)
    outcome = attempt("yes", drain=SpliceDrain(descriptor))
    os.close(descriptor)
    assert isinstance(outcome.drain_error, OutOfSpace)
    assert "No space left on device" in str(outcome.drain_error)


def test_other_errors_of_the_file_are_handed_over(attempt: Attempts, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    descriptor = os.open(tmp_path / "out", os.O_RDONLY | os.O_CLOEXEC)
    outcome = attempt("yes", drain=SpliceDrain(descriptor))
    os.close(descriptor)
    assert "Bad file descriptor" in str(outcome.drain_error)


def test_a_drain_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    descriptor = opened(tmp_path / "out")
    cancel = Flag()
    drain = SpliceDrain(descriptor)
    thread = threading.Thread(target=drain, args=(reading, cancel.fd))
    thread.start()
    os.write(writing, b"some\n")
    until(lambda: drain.moved == 5)
    cancel.set()
    thread.join()
    cancel.close()
    for used in (reading, writing, descriptor):
        os.close(used)


@pytest.mark.slow
def test_a_line_of_a_gigabyte_passes(attempt: Attempts, tmp_path: Path) -> None:
    descriptor = opened(tmp_path / "out")
    drain = SpliceDrain(descriptor)
    outcome = attempt(f"head -c {GIBIBYTE} /dev/zero | tr '\\0' x; echo", drain=drain)
    os.close(descriptor)
    assert (outcome.exit_status, drain.moved) == (0, GIBIBYTE + 1)
