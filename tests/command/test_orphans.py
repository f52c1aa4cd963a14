"""Tests that the processes of a dead worker are ended, and that other processes with the same number are not."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemr_shell.command.orphans import GroupFile, kill_marked, kill_recorded
from kubemr_shell.errors import ObjectNotFound, OutOfSpace
from tests.command.attempts import group_members, is_running
from tests.support.waiting import until

MARKER = b"KUBEMR_JOB_ID=job-1"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "groups")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A command of a worker that is about to die."""
    with subprocess.Popen(["sleep", "1000"], process_group=0, env={"KUBEMR_JOB_ID": "job-1"}) as process:
        yield process
        process.kill()


def record(path: str, *groups: int) -> None:
    file = GroupFile(path)
    for slot, group in enumerate(groups):
        file.recorder(slot)(group)
    file.close()


def test_a_recorded_group_is_killed(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    record(path, 2**22 + 1, sleeper.pid)
    assert kill_recorded(path, MARKER) == [sleeper.pid]
    assert sleeper.wait() == -signal.SIGKILL


def test_only_the_last_command_of_a_slot_is_remembered(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    file = GroupFile(path)
    keep = file.recorder(3)
    keep(sleeper.pid)
    keep(2**22 + 1)
    file.close()
    assert kill_recorded(path, MARKER) == []
    assert os.path.getsize(path) == 4 * 16


def test_a_command_without_our_variables_is_known_by_its_start(path: str) -> None:
    with subprocess.Popen(["sleep", "1000"], process_group=0, env={}) as process:
        record(path, process.pid)
        assert kill_recorded(path, MARKER) == [process.pid]
        assert process.wait() == -signal.SIGKILL


def test_what_a_dead_leader_left_is_known_by_its_variables(path: str) -> None:
    script = "sleep 1000 & echo started"
    with subprocess.Popen(
        ["sh", "-c", script],
        process_group=0,
        env={"KUBEMR_JOB_ID": "job-1", "PATH": os.defpath},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.wait()
        record(path, process.pid)
        assert kill_recorded(path, MARKER) == [process.pid]
        until(lambda: not group_members(process.pid))


def test_a_number_that_was_given_again_is_left_alone(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    Path(path).write_bytes(struct.pack("<qq", sleeper.pid, 1))
    assert kill_recorded(path, b"KUBEMR_JOB_ID=job-2") == []
    assert is_running(sleeper.pid)


@pytest.mark.parametrize("data", [b"", b"\0" * 16, b"\1" * 7, struct.pack("<qq", 1, 1), struct.pack("<qq", -1, 1)])
def test_a_file_that_names_nobody_kills_nobody(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)
    assert kill_recorded(path, MARKER) == []


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path, path: str) -> None:
    Path(path).symlink_to("/dev/full")
    with pytest.raises(OutOfSpace, match=f"{path}: No space left on device"):
        record(path, os.getpid())
    with pytest.raises(ObjectNotFound, match=f"{tmp_path}/gone/groups"):
        GroupFile(f"{tmp_path}/gone/groups")


def test_a_missing_file_is_nothing_to_do(path: str) -> None:
    assert kill_recorded(path, MARKER) == []


def test_a_process_is_found_by_its_variables_in_whatever_session(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    away = f"setsid sleep 1000 & echo $! > {pid}"
    environment = {"PATH": "/usr/bin:/bin", "KUBEMR_JOB_ID": "job-2", "KUBEMR_WORKER": "w1"}
    subprocess.run(["sh", "-c", away], env=environment, check=True)
    left = int(pid.read_text())

    assert kill_marked([b"KUBEMR_JOB_ID=job-2", b"KUBEMR_WORKER=w2"]) == []
    assert kill_marked([b"KUBEMR_JOB_ID=job-2", b"KUBEMR_WORKER=w1"]) == [left]
    until(lambda: not is_running(left))


def test_a_process_does_not_kill_itself() -> None:
    code = "from kubemr_shell.command.orphans import kill_marked; print(kill_marked([b'KUBEMR_JOB_ID=job-3']))"
    environment = {"KUBEMR_JOB_ID": "job-3"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout == b"[]\n"
