"""Tests of inputs that grow after the plan, and of files that were replaced instead."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kubemr_shell.errors import InputChanged
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.growth import END_BYTES
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from tests.support.feeding import SCRATCH, listed, output_of

SIZES = [1, END_BYTES - 1, END_BYTES, END_BYTES + 1, 2 * END_BYTES, 3 * END_BYTES + 7, 300_000]


def content_of(size: int) -> bytes:
    return (b"".join(b"line %d\n" % number for number in range(40_000)))[:size]


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"one line more\n" * 10)


def rename_a_longer_file(path: Path) -> None:
    shutil.copy(path, f"{path}.new")
    append(Path(f"{path}.new"))
    os.replace(f"{path}.new", path)


def write_a_longer_file(path: Path) -> None:
    path.write_bytes(b"-" + path.read_bytes() * 2)


def change_the_last_byte_and_append(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?" + b"more\n")


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def feeds_of(path: Path) -> list[SplitFeed]:
    rules = SplitSpec(max_bytes=100_000)
    splits = plan_splits(listed([str(path)]), split=rules, parallelism=1)
    return [SplitFeed(split, folder="/", scratch=SCRATCH) for split in splits]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_has_grown_is_read_up_to_its_size_in_the_plan(tmp_path: Path, size: int) -> None:
    path = tmp_path / "live.log"
    path.write_bytes(content_of(size))
    feeds = feeds_of(path)
    append(path)
    assert b"".join(output_of(feed) for feed in feeds) == content_of(size)
    notice = f"{path}: has grown since the job was planned: only its first {size} bytes are read"
    assert [feed.notices for feed in feeds] == [[notice]] * len(feeds)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "change",
    [rename_a_longer_file, write_a_longer_file, change_the_last_byte_and_append, shorten, touch],
    ids=lambda change: change.__name__,
)
def test_any_other_change_is_an_error(tmp_path: Path, size: int, change: Callable[[Path], None]) -> None:
    path = tmp_path / "live.log"
    path.write_bytes(content_of(size))
    feeds = feeds_of(path)
    change(path)
    for feed in feeds:
        with pytest.raises(InputChanged, match=f"{path}: changed since the job was planned"):
            output_of(feed)
        assert feed.notices == []
