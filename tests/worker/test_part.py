"""Tests of parts in a storage whose staged outputs are not files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemr_shell.errors import StorageUnavailable
from kubemr_shell.storage.interface import Receipt, StagedOutput
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import NOBODY
from kubemr_shell.worker.part import CopyDrain, feed_staged

DATA = b"".join(b"line %d\n" % number for number in range(300_000))


class NoFile(StagedOutput):
    """A staged output without a descriptor, which may refuse further bytes."""

    def __init__(self, folder: Path, most: int = len(DATA)) -> None:
        self._staged = LocalStorage().stage(str(folder / "staged"), target=str(folder / "part"))
        self._left = most
        self.writes: list[int] = []

    def fileno(self) -> int | None:
        return None

    def write(self, data: bytes | bytearray) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise StorageUnavailable("it is down")
        self.writes.append(len(data))
        self._staged.write(data)

    def seal(self) -> Receipt:
        return self._staged.seal()

    def abandon(self) -> None:
        self._staged.abandon()


@pytest.fixture
def cancel() -> Iterator[Flag]:
    cancel = Flag()
    yield cancel
    cancel.close()


def write_all(descriptor: int, data: bytes, steps: int) -> None:
    os.set_blocking(descriptor, True)
    for start in range(0, len(data), steps):
        os.write(descriptor, data[start : start + steps])


def test_what_a_command_writes_bit_by_bit_is_taken_in_fewer_pieces(tmp_path: Path, cancel: Flag) -> None:
    staged = NoFile(tmp_path)
    drain = CopyDrain(staged)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    def command() -> None:
        write_all(writing, DATA, 1000)
        os.close(writing)

    thread = threading.Thread(target=command)
    thread.start()
    drain(reading, cancel.fd)
    thread.join()
    os.close(reading)
    receipt = staged.seal()
    assert (receipt.bytes, receipt.records) == (len(DATA), 300_000)
    assert drain.moved == len(DATA)
    assert (tmp_path / "staged").read_bytes() == DATA
    assert len(staged.writes) < len(DATA) // 1000 // 4


def test_a_merge_is_fed_to_an_output_that_is_no_file(tmp_path: Path) -> None:
    staged = NoFile(tmp_path)
    feed_staged(lambda descriptor, _: write_all(descriptor, DATA, 1 << 20), staged, NOBODY)
    assert staged.seal().bytes == len(DATA)
    assert (tmp_path / "staged").read_bytes() == DATA


def test_an_output_that_takes_no_more_ends_the_merge(tmp_path: Path) -> None:
    """Otherwise the merge would wait for ever for room in the pipe."""
    staged = NoFile(tmp_path, most=len(DATA) // 3)
    with pytest.raises(StorageUnavailable):
        feed_staged(lambda descriptor, _: write_all(descriptor, DATA, 1 << 20), staged, NOBODY)


def test_a_merge_that_fails_leaves_no_thread_and_no_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")), threading.active_count()

    def feed(descriptor: int, _: int) -> None:
        os.write(descriptor, b"some\n")
        raise ValueError("a bug")

    staged = NoFile(tmp_path)
    with pytest.raises(ValueError, match="a bug"):
        feed_staged(feed, staged, NOBODY)
    staged.abandon()
    assert len(os.listdir("/proc/self/fd")) <= before[0]  # what other tests have begun may end meanwhile
    assert threading.active_count() <= before[1]
