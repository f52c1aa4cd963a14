"""Tests of the command line with standard streams that are closed or full."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.calls import KUBEMR_SHELL


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "in").write_bytes(b"a\nb\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "K": KUBEMR_SHELL}  # noqa: TID251 - PATH alone is kept
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=False, env=environment)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_do_not_stop_a_run_that_needs_none(tmp_path: Path, closed: str) -> None:
    done = shell(tmp_path, f'"$K" run -m cat -p 1 -o out in {closed}')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "part-00000").read_bytes() == b"a\nb\n"


def test_an_error_with_stderr_closed_has_its_exit_code(tmp_path: Path) -> None:
    assert shell(tmp_path, '"$K" run -m false in 2>&-').returncode == 4


@pytest.mark.parametrize(
    ("stdout", "reason"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
def test_a_result_that_stdout_does_not_take_is_an_error(tmp_path: Path, stdout: str, reason: str) -> None:
    done = shell(tmp_path, f'"$K" run -q -m cat in {stdout}')
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"kubemr-shell: stdout: {reason}: the output could not be written there")


def test_a_reader_that_has_enough_is_no_failure(tmp_path: Path) -> None:
    done = shell(
        tmp_path,
        'seq 200000 > big; "$K" run -q -m cat -p 1 -o out big; ("$K" results out; echo $? >&2) | head -1'
        '; ("$K" run -q -m cat -p 1 big; echo $? >&2) | head -1',
    )
    assert (done.stdout, done.stderr) == (b"1\n1\n", b"0\n0\n")


def test_too_few_files_are_no_bug_of_ours(tmp_path: Path) -> None:
    done = shell(tmp_path, 'ulimit -n 24; "$K" run -q -m cat -o out in')
    assert done.returncode == 1
    assert done.stderr == b"kubemr-shell: Too many open files: raise the limit (ulimit -n), or give fewer --slots\n"
