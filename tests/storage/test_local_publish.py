"""Tests of staged parts in folders, which are recognized by their bytes after a power cut."""

import os
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.errors import ObjectNotFound
from kubemr_shell.storage import local_publish, seals
from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.local import LocalStorage

storage = LocalStorage()
DATA = b"one\ntwo\n"


def staged(folder: Path, data: bytes = DATA) -> Receipt:
    output = storage.stage(f"{folder}/0.0", target=f"{folder}/part-00000")
    output.write(data)
    return output.seal()


def lose_bytes(path: str) -> None:
    """Fill a file with zeros and keep its name, inode, size and times, like a power cut."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.write(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the boot id, so that seals see a restart of the machine."""
    monkeypatch.setattr(local_publish, "seal_of", lambda status: seals.seal_of(status) ^ 1)


@pytest.mark.usefixtures("restart")
@pytest.mark.parametrize("replace", [True, False])
def test_a_staged_part_whose_size_survived_a_power_cut_and_whose_bytes_did_not_is_lost(
    tmp_path: Path, replace: bool
) -> None:
    receipt = staged(tmp_path)
    lose_bytes(receipt.staged)
    with pytest.raises(ObjectNotFound, match=r"/0\.0: its 8 bytes have another checksum than those that were written"):
        storage.publish(receipt, replace=replace)
    assert not os.path.exists(receipt.target)


@pytest.mark.usefixtures("restart")
def test_a_staged_part_that_survived_a_power_cut_is_published(tmp_path: Path) -> None:
    receipt = staged(tmp_path)
    storage.publish(receipt)
    storage.publish(receipt)
    assert Path(receipt.target).read_bytes() == DATA


def test_a_staged_part_that_somebody_has_written_to_is_lost(tmp_path: Path) -> None:
    receipt = staged(tmp_path)
    Path(receipt.staged).write_bytes(b"ONE\nTWO\n")
    with pytest.raises(ObjectNotFound, match="another checksum"):
        storage.publish(receipt)


def test_what_nobody_has_touched_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = staged(tmp_path)

    def scan(*_: Any) -> Any:
        raise AssertionError("the part was read")

    monkeypatch.setattr(local_publish, "scan", scan)
    storage.publish(receipt)
    storage.publish(receipt)
    assert Path(receipt.target).read_bytes() == DATA


def test_a_seal_changes_with_the_file_and_with_the_start_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12")
    status = path.stat()
    seal = seals.seal_of(status)
    assert 0 < seal < 1 << 64
    assert seals.seal_of(path.stat()) == seal
    os.utime(path, ns=(0, status.st_mtime_ns + 1))
    assert seals.seal_of(path.stat()) != seal
    monkeypatch.setattr(seals, "boot_id", lambda: "another start")
    assert seals.seal_of(status) != seal
    monkeypatch.setattr(seals, "boot_id", lambda: "")
    assert seals.seal_of(status) == seals.UNKNOWN
