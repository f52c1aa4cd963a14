"""Folders of attempts: links in, everything out."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from kubemr_shell.command.scratch import Scratch
from kubemr_shell.errors import CommandNotStarted, FolderRemoved
from tests.command.attempts import Attempts
from tests.support.waiting import until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "scratch"
    root.mkdir()
    return root


def left_in(root: Path) -> list[str]:
    """Return the names in a folder, without the folder that is kept for the next attempt."""
    return [name for name in os.listdir(root) if not name.startswith(".kept-")]


def test_an_attempt_has_a_folder_and_leaves_nothing(root: Path) -> None:
    scratch = Scratch(str(root), files={}, archives={})
    with scratch.attempt("17.0") as folder:
        assert folder == str(root / "17.0")
        assert os.listdir(folder) == []
    assert left_in(root) == []


def kept(scratch: Scratch, root: Path) -> int:
    """The inode of a folder that an attempt has left as it was; a busy machine may have started too much meanwhile."""

    def keep() -> int | None:
        with scratch.attempt("0.0") as folder:
            inode = os.stat(folder).st_ino
        return inode if any(path.name.startswith(".kept-") for path in root.iterdir()) else None

    return until(keep, "a folder that is kept")


def test_a_folder_that_was_left_as_it_was_is_used_again(root: Path, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("one\n")
    scratch = Scratch(str(root), files={"words": str(tmp_path / "words")}, archives={})
    first = kept(scratch, root)
    with scratch.attempt("1.0") as folder, scratch.attempt("2.0") as other:
        assert (os.path.basename(folder), os.stat(folder).st_ino) == ("1.0", first)
        assert os.stat(other).st_ino != first
        assert os.listdir(folder) == os.listdir(other) == ["words"]
    assert left_in(root) == []


def test_a_folder_is_not_used_again_after_a_while(root: Path) -> None:
    """The ids of processes may have begun anew meanwhile."""
    now = 0.0
    scratch = Scratch(str(root), files={}, archives={}, clock=lambda: now)
    kept(scratch, root)
    with scratch.attempt("0.0"):
        now += 2
    assert os.listdir(root) == []


@pytest.mark.parametrize(
    ("hold", "write"), [("", ">daemon"), ("exec 7<.; cd /;", ">/proc/self/fd/7/daemon")], ids=["works in", "has open"]
)
def test_what_a_daemon_of_an_earlier_attempt_writes_is_in_no_later_folder(
    root: Path, tmp_path: Path, attempt: Attempts, hold: str, write: str
) -> None:
    scratch = Scratch(str(root), files={}, archives={})
    up, go, did = (tmp_path / name for name in ("up", "go", "did"))
    daemon = f"touch {up}; while [ ! -e {go} ]; do sleep 0.01; done; (echo late {write}); touch {did}"
    with scratch.attempt("0.0") as folder:
        attempt.folder = Path(folder)
        attempt(f"{hold} setsid sh -c '{daemon}' </dev/null >/dev/null 2>&1 & while [ ! -e {up} ]; do sleep 0.01; done")
    with scratch.attempt("1.0") as folder:
        go.touch()
        until(did.exists, "the end of the daemon", seconds=30)
        assert os.listdir(folder) == []


@pytest.mark.parametrize(
    "change", ["touch x", "rm words", "ln -sf /etc/passwd words", "chmod 500 .", "rm words; touch words"]
)
def test_a_folder_that_was_changed_is_not(root: Path, tmp_path: Path, attempt: Attempts, change: str) -> None:
    (tmp_path / "words").write_text("one\n")
    scratch = Scratch(str(root), files={"words": str(tmp_path / "words")}, archives={})
    with scratch.attempt("0.0") as folder:
        attempt.folder = Path(folder)
        attempt(change)
    assert os.listdir(root) == []
    with scratch.attempt("1.0") as folder:
        assert {name: os.readlink(f"{folder}/{name}") for name in os.listdir(folder)} == {"words": f"{tmp_path}/words"}
        assert os.stat(folder).st_mode & 0o700 == 0o700


def test_files_are_there_by_name_and_keep_their_execute_bit(root: Path, tmp_path: Path, attempt: Attempts) -> None:
    script = tmp_path / "deep-map.sh"
    script.write_text("#!/bin/sh\ncat words.txt\n")
    script.chmod(0o755)
    words = tmp_path / "words.txt"
    words.write_text("one\n")
    scratch = Scratch(str(root), files={"map": str(script), "words.txt": str(words)}, archives={})
    with scratch.attempt("0.0") as folder:
        attempt.folder = Path(folder)
        attempt.environment = {"PATH": f"{folder}:/bin"}
        attempt(("map",))
    assert attempt.stdout == b"one\n"
    assert left_in(root) == []
    assert words.read_text() == "one\n"


def test_a_relative_path_of_a_file_is_relative_to_where_we_are(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "words.txt").write_text("one\n")
    monkeypatch.chdir(tmp_path)
    with Scratch(str(root), files={"words": "words.txt"}, archives={}).attempt("0.0") as folder:
        assert (Path(folder) / "words").read_text() == "one\n"


def test_a_missing_file_is_named_before_anything_runs(root: Path) -> None:
    with pytest.raises(CommandNotStarted, match=r"files: dict: there is no /nowhere/dict"):
        Scratch(str(root), files={"dict": "/nowhere/dict"}, archives={})


def test_an_archive_is_unpacked_once_and_seen_by_every_attempt(root: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_text("inside\n")
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "data", "data")
    scratch = Scratch(str(root), files={}, archives={"data.tar.gz": str(tmp_path / "data.tar.gz")})
    for name in ("0.0", "1.0"):
        with scratch.attempt(name) as folder:
            assert (Path(folder) / "data.tar.gz" / "data" / "x").read_text() == "inside\n"
    assert left_in(root) == ["archives"]


def test_whatever_a_command_leaves_is_removed(root: Path, tmp_path: Path, attempt: Attempts) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep\n")
    scratch = Scratch(str(root), files={"words": str(precious / "file")}, archives={})
    with scratch.attempt("0.0") as folder:
        attempt.folder = Path(folder)
        attempt(
            f"mkdir -p a/b/c; touch a/b/c/x; chmod 0 a/b a; ln -s {precious} outside; ln -s nowhere dead;"
            "mkfifo pipe; rm words; mkdir words; touch words/x '\nname'; chmod 0 words"
        )
    assert left_in(root) == []
    assert (precious / "file").read_text() == "keep\n"
    assert (precious.stat().st_mode & 0o777) == 0o755


@pytest.mark.slow
def test_folders_thousands_deep_are_removed(root: Path) -> None:
    with Scratch(str(root), files={}, archives={}).attempt("0.0") as folder:
        place = os.open(folder, os.O_RDONLY)
        for _ in range(1200):
            os.mkdir("d", dir_fd=place)
            above, place = place, os.open("d", os.O_RDONLY, dir_fd=place)
            os.close(above)
        os.close(place)
    assert left_in(root) == []


@pytest.mark.parametrize("name", ["a/b", "..", "/etc/passwd"])
def test_a_name_with_folders_is_refused(root: Path, name: str) -> None:
    with pytest.raises(CommandNotStarted, match="plain name"):
        Scratch(str(root), files={name: "/etc/passwd"}, archives={})


def test_a_folder_that_the_command_removed_itself_is_no_error(root: Path) -> None:
    with Scratch(str(root), files={}, archives={}).attempt("0.0") as folder:
        os.rmdir(folder)
    assert left_in(root) == []


def test_what_stands_in_the_place_of_a_folder_is_removed_and_nothing_behind_a_link(root: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o500)
    (precious / "words").write_text("keep\n")
    scratch = Scratch(str(root), files={"words": str(precious / "words")}, archives={})
    with scratch.attempt("0.0") as folder:
        os.unlink(f"{folder}/words")
        os.rmdir(folder)
        os.symlink(precious, folder)
    assert left_in(root) == []
    assert (precious / "words").read_text() == "keep\n"
    assert precious.stat().st_mode & 0o777 == 0o500


def test_a_command_may_have_made_the_folder_of_another_attempt(root: Path) -> None:
    scratch = Scratch(str(root), files={}, archives={})
    with scratch.attempt("0.0"):
        for name in ("1.0", "2.0"):
            (root / name).mkdir()
            (root / name / "x").touch()
    for name in ("1.0", "2.0"):
        with scratch.attempt(name) as folder:
            assert os.listdir(folder) == []


def test_a_kept_folder_that_somebody_has_changed_is_not_used(root: Path) -> None:
    scratch = Scratch(str(root), files={}, archives={})
    kept(scratch, root)
    [folder] = root.iterdir()
    (folder / "x").touch()
    with scratch.attempt("1.0") as again:
        assert os.listdir(again) == []


def test_a_folder_of_the_worker_that_was_removed_is_named(root: Path) -> None:
    scratch = Scratch(str(root), files={}, archives={})
    root.rmdir()
    with pytest.raises(FolderRemoved, match=f"^{root} was removed"), scratch.attempt("0.0"):
        pytest.fail("there is no folder")


def test_the_folder_goes_too_when_the_attempt_fails(root: Path) -> None:
    with pytest.raises(KeyError), Scratch(str(root), files={}, archives={}).attempt("0.0"):
        raise KeyError
    assert left_in(root) == []
