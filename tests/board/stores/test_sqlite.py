"""Tests of the SQLite store that the contract suite lacks: other processes, killed processes, damaged files."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.board.stores import json_patch, sqlite_file
from kubemr_shell.board.stores.documents import Document
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import BoardUnavailable, DocumentNotFound, Forbidden, JobNotFound, OutOfSpace

KIND = "TaskShard"

ADD_ONES = """
import sys
import time
from kubemr_shell.board.stores import json_patch
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import Conflict

path, count = sys.argv[1], int(sys.argv[2])
store = SqliteStore(path)
print("ready", flush=True)
sys.stdin.readline()
while count:
    old = store.get("TaskShard", "shard")["state"]["next"]
    try:
        patched = store.patch("TaskShard", "shard", [
            json_patch.test("/state/next", old),
            json_patch.replace("/state/next", old + 1),
            json_patch.replace("/state/again", old + 1),
        ])
    except Conflict:
        continue
    count -= 1
    print(old + 1, patched["metadata"]["resourceVersion"], flush=True)
"""

CREATE = """
import sys
import time
from kubemr_shell.board.stores.sqlite import SqliteStore

print("ready", flush=True)
sys.stdin.readline()
SqliteStore(sys.argv[1]).create({"kind": "TaskShard", "metadata": {"name": sys.argv[2]}})
"""


def python(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def let_go(*processes: subprocess.Popen[str]) -> None:
    """Wait until each process has started, and then let all run at once."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()


def shard(name: str = "shard") -> Document:
    return {"kind": KIND, "metadata": {"name": name}, "state": {"next": 0, "again": 0}}


def board_with_a_shard(folder: Path) -> str:
    path = str(folder / "board")
    store = SqliteStore(path)
    store.create(shard())
    store.close()
    return path


@pytest.mark.lengthy
def test_no_addition_of_many_processes_is_lost(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    writers = [python(ADD_ONES, path, 60) for _ in range(4)]
    let_go(*writers)
    lines = [line.split() for writer in writers for line in writer.communicate()[0].splitlines()]
    assert all(writer.returncode == 0 for writer in writers)
    by_number = sorted((int(number), int(version)) for number, version in lines)
    assert [number for number, _ in by_number] == list(range(1, 241))
    versions = [version for _, version in by_number]
    assert versions == sorted(set(versions)), "resource versions rise with each write"


def test_many_processes_may_make_the_same_board(tmp_path: Path) -> None:
    path = str(tmp_path / "board")
    openers = [python(CREATE, path, i) for i in range(6)]
    let_go(*openers)
    for opener in openers:
        opener.communicate()
    assert [opener.returncode for opener in openers] == [0] * 6
    store = SqliteStore(path)
    assert [document["metadata"]["name"] for document in store.list(KIND)] == [str(i) for i in range(6)]
    store.close()


def test_a_board_may_be_made_while_another_looks_whether_it_is_one(tmp_path: Path) -> None:
    path = str(tmp_path / "board")
    maker = threading.Thread(target=lambda: SqliteStore(path).close())

    class Interrupted(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql == "PRAGMA user_version" and not maker.ident:
                maker.start()
                maker.join(timeout=0.5)  # it is done by then if nothing holds it up
            return super().execute(sql, *arguments)

    connection = sqlite3.connect(path, isolation_level=None, factory=Interrupted)
    sqlite_file._set_up(connection, path, create=True, deadline=time.monotonic() + 20)
    assert connection.execute("PRAGMA application_id").fetchone() == (sqlite_file.APPLICATION_ID,)
    connection.close()
    maker.join()


@pytest.mark.parametrize("lines", [1, 7, 30])
def test_a_killed_writer_leaves_whole_patches_and_all_that_it_was_told_of(tmp_path: Path, lines: int) -> None:
    kill_writer_after(tmp_path, lines)


@pytest.mark.slow
@pytest.mark.parametrize("lines", range(2, 400, 11))
def test_a_killed_writer_leaves_a_whole_board_at_any_time(tmp_path: Path, lines: int) -> None:
    kill_writer_after(tmp_path, lines)


def kill_writer_after(folder: Path, lines: int) -> None:
    path = board_with_a_shard(folder)
    writer = python(ADD_ONES, path, 1_000_000)
    let_go(writer)
    assert writer.stdout
    acknowledged = [int(writer.stdout.readline().split()[0]) for _ in range(lines)][-1]
    writer.send_signal(signal.SIGKILL)
    rest = writer.communicate()[0].splitlines()
    # The last line may be cut; the one before it was written whole.
    acknowledged = int(rest[-2].split()[0]) if len(rest) > 1 else acknowledged
    store = SqliteStore(path, create=False)
    state = store.get(KIND, "shard")["state"]
    assert state["next"] == state["again"] >= acknowledged
    assert store.patch(KIND, "shard", [json_patch.replace("/state/next", 0)])["state"]["next"] == 0
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_board_whose_maker_was_killed_is_made_by_the_next(tmp_path: Path) -> None:
    """The work of a killed maker is either undone or complete, because it is one transaction."""
    code = """
import os, sys
import sqlite3
from kubemr_shell.board.stores import sqlite_file
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE documents (kind TEXT)")
os.kill(os.getpid(), 9)
"""
    path = str(tmp_path / "board")
    maker = python(code, path)
    maker.communicate()
    assert maker.returncode == -signal.SIGKILL
    assert os.path.exists(path)
    store = SqliteStore(path)
    store.create(shard())
    assert len(store.list(KIND)) == 1
    store.close()


def test_waiting_for_another_writer_is_bounded_and_names_the_file(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = SqliteStore(path, busy_seconds=0.05)
    with pytest.raises(BoardUnavailable, match=f"{path}: other processes kept the board locked"):
        store.patch(KIND, "shard", [json_patch.replace("/state/next", 1)])
    assert store.get(KIND, "shard")["state"]["next"] == 0, "readers do not wait for a writer"
    other.execute("ROLLBACK")
    assert store.patch(KIND, "shard", [json_patch.replace("/state/next", 1)])["state"]["next"] == 1
    other.close()
    store.close()


def test_making_a_board_waits_for_another_who_makes_it(tmp_path: Path) -> None:
    path = str(tmp_path / "board")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(BoardUnavailable, match=f"{path}: other processes kept the board locked"):
        SqliteStore(path, busy_seconds=0.1)
    assert time.monotonic() - begun >= 0.1
    other.execute("ROLLBACK")
    SqliteStore(path, busy_seconds=0.1).close()
    other.close()


def test_a_full_disk_is_out_of_space_and_changes_nothing(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    store = SqliteStore(path)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    before = store.get(KIND, "shard")
    with pytest.raises(OutOfSpace, match=f"{path}: no space left"):
        store.patch(KIND, "shard", [json_patch.replace("/state/next", "1" * 100_000)])
    with pytest.raises(OutOfSpace, match=f"{path}: no space left"):
        store.create({**shard("other"), "text": "1" * 100_000})
    assert store.list(KIND) == [before]
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert store.create(shard("other"))
    store.close()


@pytest.mark.parametrize(
    "damage", [b"not a database, but long enough to be one" * 100, b"SQLite format 3\0" + b"\xff" * 4080]
)
def test_a_file_that_is_no_board_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "board"
    path.write_bytes(damage)
    with pytest.raises(BoardUnavailable, match=f"{path}: the board is damaged, or not a board$"):
        SqliteStore(str(path))
    assert path.read_bytes() == damage


def test_damaged_pages_are_an_error_and_not_a_wrong_answer(tmp_path: Path) -> None:
    path = Path(board_with_a_shard(tmp_path))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    store = SqliteStore(str(path))
    with pytest.raises(BoardUnavailable, match=f"{path}: the board is damaged"):
        store.get(KIND, "shard")
    store.close()


def test_a_board_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    path = Path(board_with_a_shard(tmp_path))
    with path.open("r+b") as file:
        file.truncate(4096)
    with pytest.raises(BoardUnavailable, match=f"{path}: the board is damaged"):
        SqliteStore(str(path)).list(KIND)


def test_a_damaged_document_is_an_error(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    content = Path(path).read_bytes()
    assert content.count(b'{"kind":"TaskShard"') == 1
    Path(path).write_bytes(content.replace(b'{"kind":"TaskShard"', b'{"kind"!"TaskShard"'))
    store = SqliteStore(path)
    with pytest.raises(BoardUnavailable, match=f"{path}: the board is damaged"):
        store.get(KIND, "shard")
    store.close()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "board")
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = Path(path).read_bytes()
    with pytest.raises(BoardUnavailable, match=f"{path}: an SQLite file, but not a board"):
        SqliteStore(path)
    assert Path(path).read_bytes() == before


def test_a_board_of_another_version_is_refused(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(BoardUnavailable, match=f"{path}: the board has version 99, and this program knows version 1"):
        SqliteStore(path)


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    path = str(tmp_path / "gone" / "board")
    with pytest.raises(BoardUnavailable, match=f"{path}: the folder of the board is missing"):
        SqliteStore(path)
    assert not os.path.exists(tmp_path / "gone")


def test_a_board_is_begun_only_by_one_who_may(tmp_path: Path) -> None:
    path = tmp_path / "board"
    with pytest.raises(BoardUnavailable, match=f"{path}: there is no board"):
        SqliteStore(str(path), create=False)
    assert not path.exists()
    path.touch()
    with pytest.raises(BoardUnavailable, match=f"{path}: there is no board in this file"):
        SqliteStore(str(path), create=False)


def test_a_folder_without_the_right_to_write_is_forbidden() -> None:
    with pytest.raises(Forbidden, match="/sys/kubemr-board: no permission to open the board"):
        SqliteStore("/sys/kubemr-board")


def test_a_board_that_may_only_be_read_is_forbidden_to_write(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    store = SqliteStore(path)
    store._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(Forbidden, match=f"{path}: no permission to write the board"):
        store.patch(KIND, "shard", [json_patch.replace("/state/next", 1)])
    assert store.get(KIND, "shard")["state"]["next"] == 0
    store.close()


def test_a_folder_is_no_board(tmp_path: Path) -> None:
    with pytest.raises(BoardUnavailable, match=f"{tmp_path}: the board cannot be opened: Is a directory"):
        SqliteStore(str(tmp_path))


def test_a_board_that_was_removed_is_neither_written_nor_read(tmp_path: Path) -> None:
    path = board_with_a_shard(tmp_path)
    store = SqliteStore(path)
    os.rename(path, path + ".old")
    for replaced in (False, True):
        if replaced:
            Path(path).write_bytes(b"")
        with pytest.raises(JobNotFound, match=f"{path}: the board was removed"):
            store.patch(KIND, "shard", [json_patch.replace("/state/next", 1)])
        with pytest.raises(JobNotFound, match=f"{path}: the board was removed"):
            store.get(KIND, "shard")
    os.rename(path + ".old", path)
    assert store.patch(KIND, "shard", [json_patch.replace("/state/next", 1)])["state"]["next"] == 1
    store.close()


def test_a_forked_child_is_told_to_open_its_own(tmp_path: Path) -> None:
    store = SqliteStore(board_with_a_shard(tmp_path))
    child = os.fork()
    if child == 0:
        try:
            store.get(KIND, "shard")
        except BoardUnavailable as error:
            os._exit(0 if "opened before a fork" in str(error) else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert store.get(KIND, "shard")
    store.close()


def test_a_uid_that_the_caller_chose_is_kept(tmp_path: Path) -> None:
    """A local run names its folder for the uid before it makes the board inside."""
    store = SqliteStore(str(tmp_path / "board"))
    assert store.create({"kind": KIND, "metadata": {"name": "n", "uid": "mine"}})["metadata"]["uid"] == "mine"
    store.close()


def test_text_that_is_no_unicode_is_kept(tmp_path: Path) -> None:
    """The facts of a failure may have a path of any bytes, as Python decodes it."""
    store = SqliteStore(str(tmp_path / "board"))
    name = os.fsdecode(b"caf\xe9 \xf0\x9f\x90\x8d\0")
    store.create({**shard(), "failure": name})
    assert store.get(KIND, "shard")["failure"] == name
    with pytest.raises(DocumentNotFound):
        store.get(KIND, "other")
    store.close()
