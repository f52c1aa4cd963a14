"""Tests of local names, and of the files that they stand for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import kubemr_shell
from kubemr_shell.errors import InputNotFound
from kubemr_shell.inputs.local_files import LocalFiles

NOBODY_USER = 65534


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(folder: Path, name: str) -> list[str]:
    """Return the found paths relative to the folder. Fail if the search reports a problem."""
    files = LocalFiles()
    paths = [os.path.relpath(file.path, folder) for file in files.find(f"{folder}/{name}")]
    assert files.problems == []
    return paths


def problems(folder: Path, name: str) -> list[str]:
    files = LocalFiles()
    list(files.find(f"{folder}/{name}"))
    return [problem.replace(f"{folder}/", "") for problem in files.problems]


def test_a_file_is_itself(tmp_path: Path) -> None:
    make(tmp_path, "_named/.so/_it is read")
    assert found(tmp_path, "_named/.so/_it is read") == ["_named/.so/_it is read"]


def test_a_folder_is_everything_below_it_but_hidden_names(tmp_path: Path) -> None:
    make(tmp_path, "in/b", "in/a/2", "in/a/1", "in/_SUCCESS", "in/.part.crc", "in/_tmp/x", "in/.git/x", "out")
    assert found(tmp_path, "in") == ["in/a/1", "in/a/2", "in/b"]
    assert found(tmp_path, "in/") == ["in/a/1", "in/a/2", "in/b"]
    assert found(tmp_path, "in/_tmp") == ["in/_tmp/x"]


def test_the_order_is_that_of_whole_paths_as_bytes(tmp_path: Path) -> None:
    names = ["a/x", "a.txt", "a-b/y", "A", "é", "\udcff", "\U0001f600", "b/1/2", "b/1.2"]
    make(tmp_path, *names)
    assert found(tmp_path, "") == sorted(names, key=os.fsencode)


@pytest.mark.lengthy
def test_a_very_deep_folder_is_read_to_its_bottom(tmp_path: Path) -> None:
    os.makedirs(tmp_path / ("d/" * 400))
    for _ in range(2):
        os.rename(tmp_path / "d", tmp_path / "upper")
        os.makedirs(tmp_path / ("d/" * 400))
        os.rename(tmp_path / "upper", f"{tmp_path}/{'d/' * 400}d")
    make(tmp_path, "d/" * 1200 + "leaf")
    try:
        assert found(tmp_path, "d") == ["d/" * 1200 + "leaf"]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # too deep for shutil


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.gz", ["a.gz"]),
        ("?.txt", ["b.txt"]),
        ("[ab].*", ["a.gz", "b.txt"]),
        ("[!a].*", ["b.txt"]),
        ("logs-*/*.gz", ["logs-1/x.gz", "logs-2/y.gz"]),
        ("logs-*", ["logs-1/deep/z.gz", "logs-1/x.gz", "logs-2/y.gz"]),
        ("*/", ["logs-1/deep/z.gz", "logs-1/x.gz", "logs-2/y.gz"]),
        ("**/*.gz", ["a.gz", "logs-1/deep/z.gz", "logs-1/x.gz", "logs-2/y.gz"]),
        ("**", ["a.gz", "b.txt", "logs-1/deep/z.gz", "logs-1/x.gz", "logs-2/y.gz"]),
        ("**/*", ["a.gz", "b.txt", "logs-1/deep/z.gz", "logs-1/x.gz", "logs-2/y.gz"]),
        ("**/deep", ["logs-1/deep/z.gz"]),
        ("logs-1/**/z.gz", ["logs-1/deep/z.gz"]),
        ("_*", ["_hidden.gz"]),
        (".*/*", [".dot/x"]),
    ],
)
def test_a_glob_stands_for_what_a_shell_would_make_of_it_and_for_what_is_below(
    tmp_path: Path, pattern: str, expected: list[str]
) -> None:
    make(tmp_path, "a.gz", "b.txt", "_hidden.gz", ".dot/x", "logs-1/x.gz", "logs-1/_skip.gz", "logs-2/y.gz")
    make(tmp_path, "logs-1/deep/z.gz", "logs-1/.deep/no.gz")
    assert found(tmp_path, pattern) == expected


def test_a_literal_name_beats_a_glob_in_every_component(tmp_path: Path) -> None:
    make(tmp_path, "a[1]", "a1", "*", "dir[x]/f*", "dir[x]/f2", "dirx/f1")
    assert found(tmp_path, "a[1]") == ["a[1]"]
    assert found(tmp_path, "*") == ["*"]
    assert found(tmp_path, "dir[x]/f*") == ["dir[x]/f*"]
    assert found(tmp_path, "dir[x]/?2") == ["dir[x]/f2"]


def test_a_glob_matches_names_that_are_no_text(tmp_path: Path) -> None:
    make(tmp_path, "x\udcff\udcfe.log", "a\nb.log")
    assert found(tmp_path, "*.log") == ["a\nb.log", "x\udcff\udcfe.log"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "no such file or directory"),
        ("file/", "not a directory"),
        ("file/below", "not a directory"),
        ("empty", "nothing to read in this folder"),
        ("hidden", "nothing to read in this folder"),
        ("*.nothing", "no file matches"),
        ("empty/*", "no file matches"),
        ("nothing/*", "no file matches"),
        ("hidden/**", "no file matches"),
        ("f*/", "no file matches"),
        ("dangling", "no such file or directory"),
        ("loop", "too many levels of symbolic links"),
        ("pipe", "is a pipe"),
        ("socket", "is a socket"),
        ("a\0b", "null byte"),
        ("x" * 300, "file name too long"),
    ],
)
def test_a_name_that_stands_for_nothing_is_an_error_that_says_why(tmp_path: Path, name: str, message: str) -> None:
    make(tmp_path, "file", "hidden/_only")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        os_folder = os.open(tmp_path, os.O_RDONLY)  # the path of a socket may have 107 bytes
        try:
            listener.bind(f"/proc/self/fd/{os_folder}/socket")
        finally:
            os.close(os_folder)
        with pytest.raises(InputNotFound, match=message) as caught:
            found(tmp_path, name)
    assert len(str(caught.value).splitlines()) == 1
    assert name.partition("\0")[0] in str(caught.value)


def test_a_device_that_is_named_is_refused() -> None:
    with pytest.raises(InputNotFound, match="/dev/zero: is a device"):
        list(LocalFiles().find("/dev/zero"))


def test_the_null_device_is_an_empty_file() -> None:
    assert [(file.path, file.size) for file in LocalFiles().find("/dev/null")] == [("/dev/null", 0)]


def test_what_is_no_file_is_left_out_below_what_was_named(tmp_path: Path) -> None:
    make(tmp_path, "in/file")
    os.mkfifo(tmp_path / "in/pipe")
    assert found(tmp_path, "in") == ["in/file"]
    assert found(tmp_path, "in/*") == ["in/file"]


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    make(tmp_path, "in/a", "elsewhere/b")
    (tmp_path / "in/again").symlink_to(".")
    (tmp_path / "in/link").symlink_to("../elsewhere")
    (tmp_path / "in/one").symlink_to("a")
    (tmp_path / "elsewhere/back").symlink_to("../in")
    assert found(tmp_path, "in") == ["in/a", "in/link/b", "in/one"]
    assert found(tmp_path, "in/**/b") == ["in/link/b"]


def test_a_broken_link_below_a_folder_is_a_problem_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    make(tmp_path, "in/z")
    (tmp_path / "in/broken").symlink_to("nowhere")
    (tmp_path / "in/circle").symlink_to("circle")
    assert problems(tmp_path, "in") == [
        "in/broken: no such file or directory",
        "in/circle: too many levels of symbolic links",
    ]
    assert len(problems(tmp_path, "in/**/*")) == 2
    assert problems(tmp_path, "in/b*") == ["in/broken: no such file or directory"]


def test_a_file_of_the_kernel_that_hides_its_size_is_a_problem() -> None:
    files = LocalFiles()
    assert list(files.find("/proc/self/status")) == []
    assert "the system reports the size 0" in files.problems[0]


def test_an_empty_file_is_an_input(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert found(tmp_path, "empty") == ["empty"]


def test_what_may_not_be_entered_or_opened_is_a_problem_before_anything_runs() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        make(Path(folder), "in/a", "in/closed/c", "in/empty")
        (Path(folder) / "in/empty").write_text("")
        for name in ("in/closed", "in/empty"):
            os.chmod(f"{folder}/{name}", 0)
        child = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, sys; from kubemr_shell.inputs.local_files import LocalFiles; files = LocalFiles()\n"
                "os.setuid(int(sys.argv[2]))\n"
                "print(*(file.path for file in files.find(sys.argv[1])), *files.problems, sep='\\n')",
                f"{folder}/in",
                str(os.getuid() or NOBODY_USER),
            ],
            cwd=Path(kubemr_shell.__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
        os.chmod(f"{folder}/in/closed", 0o755)
    assert child.stdout.replace(folder, "").splitlines() == [
        "/in/a",
        "/in/closed: permission denied",
        "/in/empty: permission denied",
    ]
