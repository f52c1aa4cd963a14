"""The reduce side: any number of runs become one sorted stream, and wrong bytes never pass for right ones."""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun, ObjectNotFound
from tests.engine import model, strategies
from tests.engine.model import Shape
from tests.engine.streams import NOBODY, Background, collecting, drain_all, memory_file, output_of, read_feed


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def write_run(engine: ModuleType, folder: str, path: Path, streams: Sequence[bytes], shape: Shape) -> Any:
    """A run file and its facts."""
    with collecting(engine, shape, folder) as collector:
        drain_all(collector, streams)
        content, facts = output_of(collector)
        path.write_bytes(content)
        return facts


def sources_of(engine: ModuleType, path: Path, facts: Any, partition: int) -> Any:
    offset, stored, _, _ = facts.partitions[partition]
    return engine.Source(str(path), offset, stored)


@pytest.mark.lengthy
@strategies.quick
@given(strategies.shape, st.lists(strategies.streams, max_size=5), strategies.memory_bytes)
def test_a_merge_is_the_sorted_lines_of_all_runs(
    engine: ModuleType, folder: str, runs: Path, shape: Shape, tasks: list[list[bytes]], memory_bytes: int
) -> None:
    written = [
        (runs / f"run-{task}", write_run(engine, folder, runs / f"run-{task}", streams, shape))
        for task, streams in enumerate(tasks)
    ]
    everything = model.sorted_lines([stream for streams in tasks for stream in streams], shape)
    for partition in range(min(3, shape.partitions)):
        sources = [sources_of(engine, path, facts, partition) for path, facts in written]
        merger = engine.Merger(sources, memory_bytes=memory_bytes, scratch_dir=folder)
        merged, fed = read_feed(merger.feed)
        lines = everything[partition]
        weights = model.key_weights(lines, shape)
        assert merged == model.as_stream(lines)
        assert (fed.records, fed.raw_bytes, fed.keys) == (len(lines), len(merged), len(weights))
        assert fed.heaviest_records == max(weights.values(), default=0)
        assert fed.end == "complete"
        assert merger.moved == len(merged)


@pytest.mark.lengthy
def test_more_sources_than_can_be_open_are_merged_in_passes(engine: ModuleType, folder: str, runs: Path) -> None:
    rng = random.Random(3)
    shape = Shape(partitions=2)
    tasks = [b"".join(b"%d\tv%d\n" % (rng.randrange(500), rng.randrange(9)) for _ in range(50)) for _ in range(300)]
    written = [
        (runs / f"many-{task}", write_run(engine, folder, runs / f"many-{task}", [stream], shape))
        for task, stream in enumerate(tasks)
    ]
    for partition, lines in enumerate(model.sorted_lines(tasks, shape)):
        sources = [sources_of(engine, path, facts, partition) for path, facts in written]
        merger = engine.Merger(sources, memory_bytes=1, scratch_dir=folder)
        for _ in range(2):
            merged, fed = read_feed(merger.feed)
            assert merged == model.as_stream(lines)
            assert fed.records == len(lines)
    assert os.listdir(folder) == []


def test_nothing_merges_to_nothing(engine: ModuleType, folder: str, runs: Path) -> None:
    facts = write_run(engine, folder, runs / "empty", [], Shape(partitions=2))
    for sources in ([], [sources_of(engine, runs / "empty", facts, partition) for partition in (0, 1)]):
        merged, fed = read_feed(engine.Merger(sources, memory_bytes=1, scratch_dir=folder).feed)
        assert merged == b""
        assert (fed.records, fed.raw_bytes, fed.keys, fed.heaviest_key, fed.end) == (0, 0, 0, b"", "complete")


def test_a_missing_run_is_named(engine: ModuleType, folder: str, runs: Path) -> None:
    merger = engine.Merger([engine.Source(str(runs / "gone"), 0, 100)], memory_bytes=1, scratch_dir=folder)
    with memory_file() as fd, pytest.raises(ObjectNotFound, match="gone"):
        merger.feed(fd, NOBODY)


def test_a_pipe_in_the_place_of_a_run_is_not_waited_for(engine: ModuleType, folder: str, runs: Path) -> None:
    pipe = runs / f"pipe-{engine.__name__}"
    os.mkfifo(pipe)
    merger = engine.Merger([engine.Source(str(pipe), 0, 100)], memory_bytes=1, scratch_dir=folder)
    with memory_file() as fd, pytest.raises(ObjectNotFound, match="pipe"):
        merger.feed(fd, NOBODY)


def test_a_path_need_not_be_utf8(engine: ModuleType, folder: str, runs: Path) -> None:
    odd = Path(os.fsdecode(bytes(runs) + b"/\xff\xfe %s\n"))
    odd.mkdir(exist_ok=True)
    facts = write_run(engine, str(odd), odd / "run", [b"line\n" * 3], Shape())
    source = sources_of(engine, odd / "run", facts, 0)
    merged, _ = read_feed(engine.Merger([source] * 20, memory_bytes=1, scratch_dir=str(odd)).feed)
    assert merged == b"line\n" * 60
    (odd / "run").write_bytes(b"")
    assert merge_error(engine, folder, [source]).path == str(odd / "run")


@pytest.mark.lengthy
def test_every_wrong_bit_of_a_small_run_is_found(engine: ModuleType, folder: str, runs: Path) -> None:
    facts = write_run(engine, folder, runs / "small", [b"a\t1\nb\nb\n"], Shape())
    content = (runs / "small").read_bytes()
    damaged = runs / "small-damaged"
    source = engine.Source(str(damaged), 0, facts.stored_bytes)
    for bit in range(facts.stored_bytes * 8):
        wrong = bytearray(content)
        wrong[bit // 8] ^= 1 << bit % 8
        damaged.write_bytes(wrong)
        error = merge_error(engine, folder, [source])
        assert error.path == str(damaged)
        assert 0 <= error.offset < facts.stored_bytes


def some_lines() -> bytes:
    """Three partitions with several blocks each."""
    return b"".join(b"key-%d\t%s\n" % (number, bytes((33 + number % 90,)) * 400) for number in range(3000))


@pytest.fixture(scope="module")
def large_run(engine: ModuleType, folder: str, runs: Path) -> tuple[Path, Any]:
    path = runs / "large"
    return path, write_run(engine, folder, path, [some_lines()], Shape(partitions=3))


@pytest.mark.lengthy
@pytest.mark.parametrize("copies", [2, 3, 20])
def test_runs_whose_blocks_end_with_the_same_line_are_merged(
    engine: ModuleType, folder: str, runs: Path, copies: int
) -> None:
    """Several runs leave a block while one line is counted, and its bytes have to outlive all of these blocks."""
    stream = some_lines()
    facts = write_run(engine, folder, runs / "same", [stream], Shape())
    sources = [sources_of(engine, runs / "same", facts, 0)] * copies
    merged, fed = read_feed(engine.Merger(sources, memory_bytes=1, scratch_dir=folder).feed)
    lines = model.sorted_lines([stream] * copies, Shape())[0]
    assert merged == model.as_stream(lines)
    assert (fed.records, fed.keys) == (len(lines), len(lines) // copies)


def merge_error(engine: ModuleType, folder: str, sources: Sequence[Any]) -> CorruptRun:
    merger = engine.Merger(sources, memory_bytes=1, scratch_dir=folder)
    with memory_file() as fd, pytest.raises(CorruptRun) as error:
        merger.feed(fd, NOBODY)
    return error.value


def blocks_of(content: bytes | bytearray, offset: int, stored: int) -> Iterator[range]:
    end = offset + stored
    while offset < end:
        length = 24 + int.from_bytes(content[offset + 4 : offset + 8], "little")
        yield range(offset, offset + length)
        offset += length


FORGED = {
    "a codec of a later version": model.block_of(model.entry_of(1, b"k", b""), 1, codec=1),
    "an entry too few": model.block_of(model.entry_of(1, b"k", b"") + model.entry_of(1, b"l", b""), 1),
    "an entry too many": model.block_of(model.entry_of(1, b"k", b""), 2),
    "an entry longer than its block": model.block_of(b"\1\5\0key", 1),
    "a number without an end": model.block_of(b"\xff" * 30, 1),
    "no entry": model.block_of(b"", 0) + model.block_of(b"\0", 0),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_block_that_lies_is_found_though_its_checksum_is_right(
    engine: ModuleType, folder: str, runs: Path, name: str
) -> None:
    (runs / "forged").write_bytes(FORGED[name])
    source = engine.Source(str(runs / "forged"), 0, len(FORGED[name]))
    assert merge_error(engine, folder, [source]).path == str(runs / "forged")


def test_a_line_that_came_more_often_than_memory_holds_is_a_stream(engine: ModuleType, folder: str, runs: Path) -> None:
    block = model.block_of(model.entry_of(2**40, b"again", b"\tand again"), 1)
    (runs / "often").write_bytes(block)
    merger = engine.Merger([engine.Source(str(runs / "often"), 0, len(block))] * 2, memory_bytes=1, scratch_dir=folder)
    reader, writer = os.pipe()
    feeding = Background(lambda: merger.feed(writer, NOBODY))
    received = b""
    while len(received) < 3 << 20:
        received += os.read(reader, 1 << 20)
    os.close(reader)
    assert feeding.result().end == "closed"
    os.close(writer)
    assert received == (b"again\tand again\n" * (len(received) // 16 + 1))[: len(received)]


@pytest.mark.lengthy
@strategies.quick
@given(data=st.data())
def test_a_wrong_byte_in_any_block_is_found_and_placed(
    engine: ModuleType, folder: str, runs: Path, large_run: tuple[Path, Any], data: st.DataObject
) -> None:
    path, facts = large_run
    content = bytearray(path.read_bytes())
    partition = data.draw(st.integers(0, 2))
    offset, stored, _, _ = facts.partitions[partition]
    block = data.draw(st.sampled_from(list(blocks_of(content, offset, stored))))
    at = data.draw(st.integers(block.start, block.start + 23) | st.sampled_from(block), label="at")
    content[at] ^= data.draw(st.integers(1, 255), label="flipped bits")
    damaged = runs / "damaged"
    damaged.write_bytes(content)
    error = merge_error(engine, folder, [sources_of(engine, damaged, facts, partition)])
    assert error.path == str(damaged)
    assert error.offset in block
    assert str(damaged) in str(error)


def test_a_file_that_was_cut_anywhere_is_found(
    engine: ModuleType, folder: str, runs: Path, large_run: tuple[Path, Any]
) -> None:
    path, facts = large_run
    content = path.read_bytes()
    offset, stored, _, _ = facts.partitions[1]
    blocks = list(blocks_of(content, offset, stored))
    for length in (0, offset, offset + 1, blocks[1].start, blocks[1].start + 23, blocks[1].stop - 1):
        cut = runs / "cut"
        cut.write_bytes(content[:length])
        error = merge_error(engine, folder, [sources_of(engine, cut, facts, 1)])
        assert error.path == str(cut)
        assert 0 <= error.offset <= offset + stored


@pytest.mark.parametrize(("shift", "longer"), [(0, -1), (0, -23), (1, -1), (0, 1), (24, -24)])
def test_a_range_that_is_not_whole_blocks_is_found(
    engine: ModuleType, folder: str, large_run: tuple[Path, Any], shift: int, longer: int
) -> None:
    path, facts = large_run
    offset, stored, _, _ = facts.partitions[0]
    error = merge_error(engine, folder, [engine.Source(str(path), offset + shift, stored + longer)])
    assert error.path == str(path)


@pytest.mark.parametrize("offset", [1 << 63, (1 << 64) - 100])
@pytest.mark.parametrize("length", [100, 1 << 62])
def test_a_range_that_no_file_can_have_is_found(
    engine: ModuleType, folder: str, large_run: tuple[Path, Any], offset: int, length: int
) -> None:
    path, _ = large_run
    error = merge_error(engine, folder, [engine.Source(str(path), offset, length)])
    assert (error.path, error.offset) == (str(path), offset)


def test_a_merge_that_was_cancelled_reads_no_further(
    engine: ModuleType, folder: str, runs: Path, large_run: tuple[Path, Any]
) -> None:
    """The runs are too many to be merged at once, so nothing is written before all of them were read."""
    path, facts = large_run
    (runs / "cut-short").write_bytes(path.read_bytes()[: facts.partitions[0][1] - 1])
    source = sources_of(engine, runs / "cut-short", facts, 0)
    cancel = os.eventfd(1)
    with memory_file() as fd:
        merger = engine.Merger([source] * 20, memory_bytes=1, scratch_dir=folder)
        assert merger.feed(fd, cancel).end == "cancelled"
    os.close(cancel)


def test_one_damaged_run_among_many_is_the_one_that_is_named(
    engine: ModuleType, folder: str, runs: Path, large_run: tuple[Path, Any]
) -> None:
    path, facts = large_run
    content = bytearray(path.read_bytes())
    offset, stored, _, _ = facts.partitions[2]
    content[offset + stored - 1] ^= 0x80
    damaged = runs / "damaged-among-many"
    damaged.write_bytes(content)
    sources = [sources_of(engine, path, facts, 2) for _ in range(20)]
    sources.insert(13, sources_of(engine, damaged, facts, 2))
    error = merge_error(engine, folder, sources)
    assert error.path == str(damaged)


def test_a_merge_of_many_runs_needs_hardly_a_descriptor(engine: ModuleType, folder: str, runs: Path) -> None:
    """Each slot of a worker may merge hundreds of runs at once."""
    facts = write_run(engine, folder, runs / "few", [b"a\nb\n"], Shape())
    sources = [sources_of(engine, runs / "few", facts, 0)] * 300
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 20, hard))
    try:
        merged, _ = read_feed(engine.Merger(sources, memory_bytes=1 << 30, scratch_dir=folder).feed)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert merged == b"a\n" * 300 + b"b\n" * 300
