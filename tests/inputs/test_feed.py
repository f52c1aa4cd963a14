"""Tests of feeds of local files: line ends, packed and compressed files, changes, cancels, early exits of commands."""

from __future__ import annotations

import errno
import gzip
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from kubemr_shell.errors import CorruptInput, InputChanged, InputError, InputNotFound
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Piece, Split
from tests.support.feeding import SCRATCH, fed, listed, output_of, pipe

MIB = 1 << 20


def split_of(path: Path) -> Split:
    """Return a split with the whole file."""
    (split,) = plan_splits(listed([str(path)]), split=SplitSpec(whole_files=True), parallelism=1)
    return split


def piece_of(path: Path, start: int, end: int) -> Split:
    return Split((replace(split_of(path).pieces[0], start=start, end=end),))


@contextmanager
def feeding(feed: SplitFeed, writing: int) -> Iterator[int]:
    """Run the feed in a thread, and give the descriptor that cancels the feed."""
    cancel = os.eventfd(0)
    thread = threading.Thread(target=feed, args=(writing, cancel))
    thread.start()
    try:
        yield cancel
    finally:
        os.eventfd_write(cancel, 1)
        thread.join()
        os.close(cancel)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a", b"a\nb", b"a\nb\n", b"\r\n\0\xff\n\n", b"x" * 3 * MIB, b"line\n" * MIB]
)
def test_a_whole_file_is_fed_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert fed(split_of(tmp_path / "file")) == content


@pytest.mark.parametrize("target", [1, 2, 3, 4, 5, 6, 7])
def test_a_line_belongs_to_the_piece_in_which_it_begins(tmp_path: Path, target: int) -> None:
    content = b"ab\n\ncdef\ng\nhijklmnop\n"
    path = tmp_path / "file"
    path.write_bytes(content)
    for start in range(0, len(content), target):
        end = min(start + target, len(content))
        begins = [at for at in range(start, end) if at == 0 or content[at - 1 : at] == b"\n"]
        expected = b"".join(content[at:].partition(b"\n")[0] + b"\n" for at in begins)
        assert fed(piece_of(path, start, end)) == expected


def test_a_piece_in_which_no_line_begins_reads_nothing_beyond_its_end(tmp_path: Path) -> None:
    """After the piece, the file has a hole of a terabyte. A search of the hole for a line end would take minutes."""
    path = tmp_path / "file"
    with open(path, "wb") as file:
        file.write(b"x" * 10 * MIB)
        file.truncate(1 << 40)
    feed = SplitFeed(piece_of(path, MIB, 9 * MIB), scratch=SCRATCH, folder="/")
    assert output_of(feed) == b""
    assert feed.moved == 8 * MIB


def test_a_line_over_many_pieces_is_fed_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = b"short\n" + b"x" * 5 * MIB + b"\nnext\n"
    path.write_bytes(content)
    bounds = [*range(0, len(content), MIB), len(content)]
    outputs = [fed(piece_of(path, start, end)) for start, end in pairwise(bounds)]
    assert [len(output) for output in outputs] == [len(content) - 5, 0, 0, 0, 0, 5]
    assert b"".join(outputs) == content


def test_a_missing_newline_is_added_between_packed_files_and_nowhere_else(tmp_path: Path) -> None:
    contents = {"1": b"a\nb", "2": b"", "3": b"c\n", "4.gz": gzip.compress(b"d"), "5": b"e" * 200_000, "6": b"f"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (split,) = plan_splits(listed([str(tmp_path)]), split=SplitSpec(), parallelism=1)
    assert fed(split) == b"a\nb\nc\nd\n" + b"e" * 200_000 + b"\nf"


def test_a_relative_name_is_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x\n")
    split = Split((replace(split_of(tmp_path / "file").pieces[0], uri="file"),))
    assert output_of(SplitFeed(split, scratch=SCRATCH, folder=str(tmp_path))) == b"x\n"


def test_a_name_is_arbitrary_bytes(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff \n%20[*")
    path.write_bytes(b"x\n")
    assert fed(Split.from_json(split_of(path).to_json())) == b"x\n"


def test_the_null_device_feeds_nothing() -> None:
    assert fed(split_of(Path("/dev/null"))) == b""


def test_compressed_bytes_are_passed_on_where_that_is_wanted(tmp_path: Path) -> None:
    content = gzip.compress(b"x" * 100)
    (tmp_path / "a.gz").write_bytes(content)
    assert fed(split_of(tmp_path / "a.gz")) == b"x" * 100
    objects = listed([str(tmp_path)], decompress="none")
    assert [fed(split) for split in plan_splits(objects, split=SplitSpec(), parallelism=1)] == [content]


@pytest.mark.parametrize("size", [10, 10 * MIB])
def test_a_file_that_changed_since_the_plan_is_an_error(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    split = split_of(path)
    for change in (b"x" * (size - 1), b"y" * (size + 1), b""):
        path.write_bytes(change)
        with pytest.raises(InputChanged, match=f"{path}: changed since the job was planned"):
            fed(split)
    path.write_bytes(b"y" * size)
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputChanged):
        fed(split)


def test_a_file_that_is_gone_or_no_file_any_more_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    split = split_of(path)
    path.unlink()
    with pytest.raises(InputNotFound, match=f"{path}: was removed after the job was planned"):
        fed(split)
    os.mkfifo(path)
    with pytest.raises(InputChanged):
        fed(split)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(InputError, match=f"{path}: cannot be opened: Too many levels"):
        fed(split)


@pytest.mark.parametrize(("start", "name"), [(0, "file"), (MIB, "file"), (0, "file.gz")])
def test_a_file_that_shrinks_while_it_is_read_is_an_error_and_never_a_short_input(
    tmp_path: Path, start: int, name: str
) -> None:
    path = tmp_path / name
    line = os.urandom(999).replace(b"\n", b"x") + b"\n"
    data = b"".join(os.urandom(1000) for _ in range(3000)) if name.endswith(".gz") else line * 3000
    path.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
    size = path.stat().st_size
    feed = SplitFeed(piece_of(path, start, size), scratch=SCRATCH, folder="/")
    errors: list[BaseException] = []

    def run(writing: int) -> None:
        try:
            feed(writing, -1)
        except InputError as error:
            errors.append(error)

    with pipe() as ends:
        thread = threading.Thread(target=run, args=(ends.writing,))
        thread.start()
        os.read(ends.reading, 1)
        os.truncate(path, MIB)
        while thread.is_alive():
            os.read(ends.reading, ends.waiting() or 1) if ends.waiting() else thread.join(0.001)
    (error,) = errors
    assert isinstance(error, InputChanged)
    ended = f"{MIB}" if start == 0 else r"\d+"
    assert re.match(rf"{path}: became shorter while it was read: it ended at byte {ended}, and had {size} ", str(error))


def test_a_file_that_is_written_to_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 300_000)
    feed = SplitFeed(split_of(path), scratch=SCRATCH, folder="/")
    errors: list[BaseException] = []

    def run(writing: int) -> None:
        try:
            feed(writing, -1)
        except InputError as error:
            errors.append(error)

    with pipe() as ends:
        thread = threading.Thread(target=run, args=(ends.writing,))
        thread.start()
        os.read(ends.reading, 1)
        os.utime(path, ns=(1, 1))
        while thread.is_alive():
            os.read(ends.reading, 1 << 20) if ends.waiting() else thread.join(0.001)
    assert [type(error) for error in errors] == [InputChanged]


def test_damage_in_a_compressed_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"x" * 1000)[:-1])
    with pytest.raises(CorruptInput, match=f"{path}: byte {path.stat().st_size}: the file ends in the middle"):
        fed(split_of(path))


@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_a_command_that_stops_reading_is_no_error(tmp_path: Path, name: str) -> None:
    content = os.urandom(2 * MIB)
    (tmp_path / name).write_bytes(gzip.compress(content, 0) if name.endswith(".gz") else content)
    feed = SplitFeed(split_of(tmp_path / name), scratch=SCRATCH, folder="/")
    with subprocess.Popen(["head", "-c", "10"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as command:
        assert command.stdin
        os.set_blocking(command.stdin.fileno(), False)
        feed(command.stdin.fileno(), -1)
        command.stdin.close()
    assert command.returncode == 0
    assert 10 <= feed.bytes_fed < 2 * MIB


def test_a_command_that_never_reads_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x\n")
    feed = SplitFeed(split_of(tmp_path / "file"), scratch=SCRATCH, folder="/")
    with pipe() as ends:
        ends.close_reading()
        feed(ends.writing, -1)
    assert (feed.bytes_fed, feed.records_fed) == (0, 0)


def test_a_broken_pipe_of_an_input_is_no_command_that_stops_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system in user space, such as FUSE, may return any error."""
    path = tmp_path / "file"
    path.write_bytes(b"x\n")

    def broken(fd: int, size: int, offset: int) -> bytes:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    split = split_of(path)
    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(InputError, match=f"{path}: cannot be read: Broken pipe"):
        fed(split)


@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_a_full_pipe_holds_the_feed_back_until_it_is_cancelled(tmp_path: Path, name: str) -> None:
    content = bytes(50 * MIB)
    (tmp_path / name).write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    feed = SplitFeed(split_of(tmp_path / name), scratch=SCRATCH, folder="/")
    patience = threading.Event()
    with pipe() as ends:
        with feeding(feed, ends.writing):
            while ends.waiting() < ends.capacity:
                patience.wait(0.001)
        assert feed.bytes_fed == ends.capacity


def test_a_search_for_a_line_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    feed = SplitFeed(piece_of(path, 1, 1 << 40), scratch=SCRATCH, folder="/")
    patience = threading.Event()
    with pipe() as ends, feeding(feed, ends.writing):
        while not feed.moved:
            patience.wait(0.001)
    assert 0 < feed.moved < 1 << 40


def test_a_piece_of_unknown_end_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\nb")
    status = path.stat()
    piece = Piece(uri=str(path), size=3, fingerprint=f"{status.st_size}-{status.st_mtime_ns}")
    assert fed(Split((piece,))) == b"a\nb"
