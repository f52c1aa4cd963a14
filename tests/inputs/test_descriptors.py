"""Tests that names of open files are recognized, also behind symbolic links."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from kubemr_shell.errors import InputNotFound
from kubemr_shell.inputs.descriptors import STANDARD_INPUT, differs_by_process, lasting_name
from kubemr_shell.inputs.listing import list_inputs

OWN = ("/dev/fd/4", "/proc/self/fd/4", "/proc/thread-self/fd/4", "/dev/fd", "/proc/self", "/proc/../dev/./fd/4")


def listed(folder: Path, *names: str) -> list[str]:
    found = list_inputs(names, inputs_from=None, decompress="auto", folder=str(folder), stdin_copy=None)
    return [one.uri for one in found]


@pytest.mark.parametrize("target", OWN)
def test_a_link_to_an_open_file_differs_by_process(tmp_path: Path, target: str) -> None:
    (tmp_path / "in").symlink_to(target)
    (tmp_path / "to-in").symlink_to("in")
    (tmp_path / "folder").symlink_to(os.path.dirname(target))
    last = os.path.basename(target)
    assert differs_by_process(target)
    assert differs_by_process(f"{tmp_path}/in")
    assert differs_by_process(f"{tmp_path}/to-in")
    assert differs_by_process(f"{tmp_path}/folder/{last}")


def test_other_names_are_the_same_for_all_processes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "turns").symlink_to("turns")
    (tmp_path / "broken").symlink_to("nowhere")
    for name in ("a", "link", "turns", "broken", "missing/../a", "../x", "\0"):
        assert not differs_by_process(f"{tmp_path}/{name}")
    assert not differs_by_process("/dev/null")
    assert not differs_by_process(f"/proc/{os.getpid()}/fd/0")


def test_the_file_that_is_open_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("1\n")
    with open("a") as file:
        Path("in").symlink_to(f"/proc/self/fd/{file.fileno()}")
        assert lasting_name("in") == lasting_name(f"{tmp_path}/in") == f"{tmp_path}/a"
    for name in STANDARD_INPUT:
        assert lasting_name(name) == name


@pytest.mark.parametrize("name", ["in", "folder", "folder/*", "f*", "*/link"])
def test_a_listing_refuses_each_way_to_an_open_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "folder").mkdir()
    with open(tmp_path / "a") as file:
        (tmp_path / "in").symlink_to(f"/dev/fd/{file.fileno()}")
        (tmp_path / "folder/link").symlink_to(f"/dev/fd/{file.fileno()}")
        with pytest.raises(InputNotFound, match="every process finds another file under such a name"):
            listed(tmp_path, name)


def test_a_link_to_a_pipe_a_socket_or_a_device_is_refused_with_its_kind(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    for target, kind in (("fifo", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device")):
        link = tmp_path / f"to-{kind[2:]}"
        link.symlink_to(target)
        with pytest.raises(InputNotFound, match=f"is {kind}, and a task that fails must be able to read"):
            listed(tmp_path, str(link))
