"""Tests of locks with real processes, because a lock within one process proves nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from kubemr_shell.errors import Forbidden, ObjectNotFound
from kubemr_shell.storage.ownership import hold, is_held

HOLDER = """
import subprocess, sys
from kubemr_shell.storage.ownership import hold

owner = hold(sys.argv[1])
child = subprocess.Popen(["sleep", "60"]) if "child" in sys.argv else None
print(None if owner is None else "held", child.pid if child else 0, flush=True)
sys.stdin.readline()
"""

# Owners take turns, and remove the lock file before they let go, so that others meet a file that has no name any more.
TURNS = """
import os, sys
from kubemr_shell.storage.ownership import hold

path, turns = sys.argv[1], int(sys.argv[2])
while turns:
    owner = hold(path)
    if owner is None:
        continue
    os.close(os.open(path + ".inside", os.O_CREAT | os.O_EXCL))
    os.unlink(path + ".inside")
    turns -= 1
    if turns % 2:
        os.unlink(path)
    owner.release()
"""


# The lock file is removed by another between opening it and locking it.
REMOVED = """
import os, sys
from kubemr_shell.storage.ownership import hold, is_held

path, removed = sys.argv[1], []

def remove_once(event, args):
    if event == "fcntl.flock" and not removed:
        removed.append(path)
        os.unlink(path)

sys.addaudithook(remove_once)
owner = hold(path)
print(len(removed), owner is not None, is_held(path))
"""


def python(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def started(path: Path, *args: str) -> tuple[subprocess.Popen[str], int]:
    holder = python(HOLDER, path, *args)
    assert holder.stdout
    state, child = holder.stdout.readline().split()
    assert state == "held"
    return holder, int(child)


def test_one_holds_and_others_do_not(tmp_path: Path) -> None:
    lock = str(tmp_path / "lock")
    assert not is_held(lock)
    owner = hold(lock)
    assert owner is not None
    assert is_held(lock)
    assert hold(lock) is None
    owner.release()
    assert not is_held(lock)
    again = hold(lock)
    assert again is not None
    owner.release()
    assert is_held(lock), "a second release frees nothing that another holds"
    again.release()


def test_asking_makes_no_file(tmp_path: Path) -> None:
    assert not is_held(str(tmp_path / "lock"))
    assert not is_held(str(tmp_path / "missing" / "lock"))
    assert os.listdir(tmp_path) == []


def test_another_process_is_seen_and_seen_to_die(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for ending in (signal.SIGKILL, signal.SIGTERM, None):
        holder, _ = started(path)
        assert is_held(str(path))
        assert hold(str(path)) is None
        if ending is None:
            holder.communicate("\n")
        else:
            holder.send_signal(ending)
            holder.communicate()
        assert not is_held(str(path))
    owner = hold(str(path))
    assert owner is not None
    owner.release()


def test_a_command_that_outlives_its_worker_does_not_hold_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder, child = started(path, "child")
    holder.kill()
    holder.wait()
    assert not is_held(str(path))
    os.kill(child, signal.SIGKILL)
    holder.communicate()


@pytest.mark.parametrize("turns", [50, pytest.param(1500, marks=pytest.mark.slow)])
def test_there_is_one_owner_at_a_time_though_lock_files_come_and_go(tmp_path: Path, turns: int) -> None:
    path = tmp_path / "lock"
    processes = [python(TURNS, path, turns) for _ in range(3)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]


def test_a_lock_on_a_removed_file_is_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder, _ = started(path)
    path.unlink()
    assert not is_held(str(path))
    owner = hold(str(path))
    assert owner is not None
    assert is_held(str(path))
    holder.communicate("\n")
    assert is_held(str(path))
    owner.release()


def test_a_lock_is_on_the_file_that_others_find(tmp_path: Path) -> None:
    assert python(REMOVED, tmp_path / "lock").communicate()[0] == "1 True True\n"


def test_asking_never_disturbs_one_who_takes_it(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    done = Event()

    def ask() -> None:
        while not done.is_set():
            is_held(path)

    askers = [Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    refused = 0
    for _ in range(2000):
        owner = hold(path)
        if owner is None:
            refused += 1
        else:
            owner.release()
    done.set()
    for asker in askers:
        asker.join()
    assert refused == 0


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound, match=f"{tmp_path}/missing/lock"):
        hold(f"{tmp_path}/missing/lock")
    assert os.listdir(tmp_path) == []


def test_a_folder_without_the_right_to_write_is_forbidden() -> None:
    with pytest.raises(Forbidden, match="/sys/kubemr-lock"):
        hold("/sys/kubemr-lock")
