"""The map side: what was drained comes out partitioned, ordered, counted, and as the same bytes whoever wrote it."""

from __future__ import annotations

import os
import random
from types import ModuleType

import pytest
from hypothesis import example, given

from kubemr_shell.errors import RecordTooLarge
from tests.engine import model, strategies
from tests.engine.model import Shape
from tests.engine.streams import (
    NOBODY,
    PLENTY,
    collecting,
    drain_all,
    memory_file,
    output_of,
)


def check_run_file(engine: ModuleType, folder: str, shape: Shape, streams: list[bytes], memory_bytes: int) -> None:
    with collecting(engine, shape, folder, memory_bytes=memory_bytes) as collector:
        drain_all(collector, streams)
        written, facts = output_of(collector)
        expected = model.sorted_lines(streams, shape)
        assert written == model.run_file(expected, shape)
        assert [(records, raw) for _, _, records, raw in facts.partitions] == [
            (len(lines), sum(map(len, lines)) + len(lines)) for lines in expected
        ]
        assert facts.records == collector.records == sum(map(len, expected))
        assert facts.raw_bytes == collector.raw_bytes == sum(raw for *_, raw in facts.partitions)
        assert facts.entries == sum(len(set(lines)) for lines in expected)
        assert facts.stored_bytes == sum(stored for _, stored, *_ in facts.partitions)


@pytest.mark.lengthy
@strategies.quick
@given(strategies.shape, strategies.streams, strategies.memory_bytes)
@example(Shape(separator=b"aa", key_fields=2), [b"aaaa\naaab\naaa\naa\na\n"], PLENTY)
def test_the_run_file_is_byte_for_byte_what_the_model_writes(
    engine: ModuleType, folder: str, shape: Shape, streams: list[bytes], memory_bytes: int
) -> None:
    check_run_file(engine, folder, shape, streams, memory_bytes)


@pytest.mark.slow
@strategies.thorough
@given(strategies.shape, strategies.streams, strategies.memory_bytes)
def test_the_run_file_is_what_the_model_writes_whatever_the_seed(
    engine: ModuleType, folder: str, shape: Shape, streams: list[bytes], memory_bytes: int
) -> None:
    check_run_file(engine, folder, shape, streams, memory_bytes)


def unequal_lines(count: int, seed: int) -> bytes:
    """Lines with many values to a key, one key with 30 % of them, and some lines that come again."""
    rng = random.Random(seed)
    keys = [b"hot" if rng.random() < 0.3 else b"key-%d" % rng.randrange(count // 3) for _ in range(count)]
    return b"".join(b"%s\t%d %s\n" % (key, rng.randrange(1000), b"x" * rng.randrange(60)) for key in keys)


@pytest.mark.lengthy
def test_many_spills_merged_in_passes_change_nothing(engine: ModuleType, folder: str) -> None:
    shape = Shape(partitions=5)
    streams = [unequal_lines(20_000, seed) for seed in range(4)]
    with collecting(engine, shape, folder, memory_bytes=100_000) as collector:
        drain_all(collector, streams)
        written, _ = output_of(collector)
        assert written == model.run_file(model.sorted_lines(streams, shape), shape)
        assert collector.spilled_bytes > 1_000_000


def test_several_streams_are_one_collection(engine: ModuleType, folder: str) -> None:
    shape = Shape(partitions=3)
    with collecting(engine, shape, folder) as collector:
        drain_all(collector, [b"b\t1\na", b"", b"a\nc"])
        assert output_of(collector)[0] == model.run_file(model.sorted_lines([b"a\na\nb\t1\nc\n"], shape), shape)
        assert collector.records == 4
        assert collector.moved == len(b"b\t1\naa\nc")


@pytest.mark.lengthy
def test_lines_that_come_again_late_are_still_one_entry(engine: ModuleType, folder: str) -> None:
    """Whoever stops to look for equal lines, because there were none for long, has to find them in the end."""
    shape = Shape(partitions=2)
    once = b"".join(b"%d\tvalue %d\n" % (number * 7919 % 100_003, number) for number in range(60_000))
    with collecting(engine, shape, folder) as collector:
        drain_all(collector, [once, once])
        written, facts = output_of(collector)
    assert (facts.records, facts.entries) == (120_000, 60_000)
    assert written == model.run_file(model.sorted_lines([once, once], shape), shape)


@pytest.mark.parametrize("memory_bytes", [100_000, PLENTY])
def test_a_collector_begins_anew_after_reset(engine: ModuleType, folder: str, memory_bytes: int) -> None:
    shape = Shape(partitions=4)
    with collecting(engine, shape, folder, memory_bytes=memory_bytes) as collector:
        for seed in (1, 2, 1):
            stream = unequal_lines(5_000, seed)
            drain_all(collector, [stream])
            written, _ = output_of(collector)
            assert written == model.run_file(model.sorted_lines([stream], shape), shape)
            collector.reset()
            assert (collector.records, collector.raw_bytes, collector.spilled_bytes) == (0, 0, 0)
        assert output_of(collector)[0] == model.run_file([[]] * 4, shape)


def test_streams_may_follow_an_output(engine: ModuleType, folder: str) -> None:
    shape = Shape()
    with collecting(engine, shape, folder) as collector:
        drain_all(collector, [b"b\na\n"])
        for _ in range(2):
            assert output_of(collector)[0] == model.run_file([[b"a", b"b"]], shape)
        drain_all(collector, [b"aa\nb\n"])
        assert output_of(collector)[0] == model.run_file([[b"a", b"aa", b"b", b"b"]], shape)


def test_a_line_that_came_a_million_times_is_one_entry(engine: ModuleType, folder: str) -> None:
    shape = Shape()
    with collecting(engine, shape, folder) as collector:
        drain_all(collector, [b"again\n" * 1_000_000])
        written, facts = output_of(collector)
        assert (facts.records, facts.entries) == (1_000_000, 1)
        assert written == model.run_file([[b"again"] * 1_000_000], shape)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_block_is_closed_before_it_would_be_too_long(engine: ModuleType, folder: str, over: int) -> None:
    """The second entry fills the first block exactly, or misses it by a byte."""
    first, second = b"a" * 200_000, b"b" * (262_144 - 200_000 - 10 + over)
    streams = [b"\n".join((b"c" * 300_000, second, first, b"d"))]
    shape = Shape()
    with collecting(engine, shape, folder) as collector:
        drain_all(collector, streams)
        assert output_of(collector)[0] == model.run_file(model.sorted_lines(streams, shape), shape)


def test_a_line_of_many_megabytes_passes(engine: ModuleType, folder: str) -> None:
    shape = Shape(partitions=2)
    streams = [b"key\t" + bytes(range(11, 256)) * 40_000 + b"\nshort\n"]
    with collecting(engine, shape, folder, memory_bytes=16 << 20) as collector:
        drain_all(collector, streams)
        assert output_of(collector)[0] == model.run_file(model.sorted_lines(streams, shape), shape)


@pytest.mark.parametrize("after", [b"", b"\n", b"\nmore\n", b"x" * 300_000])
def test_a_record_over_the_limit_is_named(engine: ModuleType, folder: str, after: bytes) -> None:
    with collecting(engine, Shape(), folder, max_record_bytes=100) as collector:
        drain_all(collector, [b"one\n" + b"e" * 100 + b"\n"])
        with memory_file(b"three\n" + b"long" * 25 + b"!" + after) as fd, pytest.raises(RecordTooLarge) as error:
            collector.drain(fd, NOBODY)
        assert (error.value.record, error.value.limit) == (4, 100)
        assert error.value.size > 100
        assert error.value.start[:60] == (b"long" * 25)[:60]
        assert "record 4 of the command's output is longer than 100 bytes" in str(error.value)
        collector.reset()
        drain_all(collector, [b"fine\n"])
        assert collector.records == 1


def test_a_record_over_the_limit_is_named_far_down_a_stream(engine: ModuleType, folder: str) -> None:
    stream = b"line\n" * 300_000 + b"x" * 101
    with collecting(engine, Shape(), folder, max_record_bytes=100) as collector, memory_file(stream) as fd:
        with pytest.raises(RecordTooLarge) as error:
            collector.drain(fd, NOBODY)
        assert error.value.record == 300_001


def test_a_record_over_the_limit_is_not_read_to_its_end(engine: ModuleType, folder: str) -> None:
    with collecting(engine, Shape(), folder, max_record_bytes=1 << 20) as collector, memory_file(b"x" * PLENTY) as fd:
        with pytest.raises(RecordTooLarge):
            collector.drain(fd, NOBODY)
        assert 1 << 20 < collector.moved < PLENTY // 2


@pytest.mark.parametrize("memory_bytes", [100_000, 64 << 20])
def test_spills_have_no_name(engine: ModuleType, folder: str, memory_bytes: int) -> None:
    with collecting(engine, Shape(), folder, memory_bytes=memory_bytes) as collector:
        drain_all(collector, [unequal_lines(20_000, 5)])
        assert (collector.spilled_bytes > 0) is (memory_bytes == 100_000)
        assert os.listdir(folder) == []
        collector.close()


@pytest.mark.parametrize(
    "wrong",
    [{"partitions": 0}, {"partitions": 2**31 + 1}, {"separator": b""}, {"key_fields": 0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_mean_nothing_are_refused(engine: ModuleType, folder: str, wrong: dict[str, int | bytes]) -> None:
    settings = {"partitions": 1, "separator": b"\t", "key_fields": 1, "memory_bytes": 1, "max_record_bytes": 1}
    with pytest.raises(ValueError, match=r"\S"):
        engine.Collector(**(settings | wrong), spill_dir=folder)
