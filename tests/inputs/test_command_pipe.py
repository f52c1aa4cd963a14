"""Tests of writes to a command's stdin: collected pieces, transfers by the kernel, and counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubemr_shell.inputs.command_pipe import GATHERED_BYTES, CommandPipe
from kubemr_shell.waits.waiter import NOBODY, Waiter
from tests.support.feeding import pipe


def test_small_writes_are_gathered_until_they_are_flushed() -> None:
    with pipe() as ends:
        writer = CommandPipe(ends.writing, Waiter(NOBODY))
        for _ in range(3):
            writer.write(b"line\n")
        assert (ends.waiting(), writer.bytes_fed, writer.records) == (0, 0, 0)
        writer.flush()
        assert (ends.waiting(), writer.bytes_fed, writer.records) == (15, 15, 3)


def test_much_is_written_at_once() -> None:
    with pipe() as ends:
        writer = CommandPipe(ends.writing, Waiter(NOBODY))
        writer.write(b"x" * GATHERED_BYTES)
        assert ends.waiting() == GATHERED_BYTES


def test_a_missing_newline_is_added_only_when_something_follows() -> None:
    with pipe() as ends:
        writer = CommandPipe(ends.writing, Waiter(NOBODY))
        for data in (b"", b"a", b"", b"", b"b\n", b"c", b""):
            writer.begin_piece("x")
            writer.write(data)
        writer.flush()
        assert os.read(ends.reading, 100) == b"a\nb\nc"
        assert writer.records == 3


def test_a_missing_newline_is_added_before_a_range_of_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123\n56789")
    source = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pipe() as ends:
            writer = CommandPipe(ends.writing, Waiter(NOBODY))
            writer.write(b"a")
            writer.begin_piece("x")
            assert writer.send_file(source, 1, 9) == 9
            writer.write(b"end")
            writer.flush()
            assert os.read(ends.reading, 100) == b"a\n123\n5678end"
            assert (writer.bytes_fed, writer.records) == (13, 3)
    finally:
        os.close(source)


def test_a_file_that_ends_early_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123")
    source = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pipe() as ends:
            assert CommandPipe(ends.writing, Waiter(NOBODY)).send_file(source, 1, 9) == 4
    finally:
        os.close(source)


@pytest.mark.parametrize("flags", [0, os.O_APPEND])
def test_where_the_kernel_cannot_move_the_bytes_they_are_copied(tmp_path: Path, flags: int) -> None:
    """sendfile refuses a target that is open for appending, so the pipe falls back to reads and writes."""
    content = os.urandom(3_000_000)
    (tmp_path / "from").write_bytes(content)
    source = os.open(tmp_path / "from", os.O_RDONLY)
    target = os.open(tmp_path / "to", os.O_WRONLY | os.O_CREAT | flags)
    try:
        writer = CommandPipe(target, Waiter(NOBODY))
        assert writer.send_file(source, 5, len(content)) == len(content)
    finally:
        os.close(source)
        os.close(target)
    assert (tmp_path / "to").read_bytes() == content[5:]
    assert writer.bytes_fed == len(content) - 5
    assert writer.records == content[5:].count(b"\n")
