"""Tests that a pipe, socket or device in the place of a file is an error, and that no process waits for it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from kubemr_shell.errors import StorageError
from kubemr_shell.storage import ownership
from kubemr_shell.storage.local import LocalStorage


def make_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)


def link_to_device(path: str) -> None:
    os.symlink("/dev/zero", path)


@pytest.mark.parametrize(
    ("make", "kind"), [(os.mkfifo, "a pipe"), (make_socket, "a socket or a device"), (link_to_device, "a device")]
)
def test_what_is_no_file_is_not_read(tmp_path: Path, make: Callable[[str], None], kind: str) -> None:
    path = str(tmp_path / "object")
    make(path)
    words = f"object: {kind} stands where a file belongs: move it away"
    with pytest.raises(StorageError, match=words):
        LocalStorage().read(path)
    with pytest.raises(StorageError, match=words):
        LocalStorage().read_range(path, 0, 10)


def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    os.mkfifo(path)
    assert not ownership.is_held(path)
    lock = ownership.hold(path)
    assert lock is not None
    lock.release()
