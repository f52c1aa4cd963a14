from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.shuffle.map_manifest import MapRange, encode_map_manifest, read_map_ranges

U64 = st.integers(0, 2**64 - 1)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, end: data[start:end]


@st.composite
def shards(draw: st.DrawFn) -> tuple[int, list[int], list[list[tuple[int, int]]]]:
    partitions = draw(st.integers(1, 4))
    tasks = draw(st.integers(1, 5))
    ranges = st.lists(st.tuples(U64, U64), min_size=partitions, max_size=partitions)
    return (
        draw(st.integers(0, 10**6)),
        draw(st.lists(st.integers(0, 100), min_size=tasks, max_size=tasks)),
        draw(st.lists(ranges, min_size=tasks, max_size=tasks)),
    )


@given(shards())
def test_each_partition_reads_back_its_ranges_without_the_empty_ones(
    shard: tuple[int, list[int], list[list[tuple[int, int]]]],
) -> None:
    first, attempts, ranges = shard
    data = encode_map_manifest(first, attempts, ranges)
    for partition in range(len(ranges[0])):
        expected = [
            MapRange(task=first + index, attempt=attempts[index], offset=offset, length=length)
            for index, (offset, length) in enumerate(of_task[partition] for of_task in ranges)
            if length
        ]
        assert read_map_ranges(reader(data), partition, "m") == expected


DATA = encode_map_manifest(7, [0, 2], [[(0, 10), (10, 5)], [(0, 3), (3, 0)]])


@pytest.mark.parametrize("position", range(len(DATA)))
def test_a_flipped_byte_is_refused_or_in_another_partition(position: int) -> None:
    damaged = bytearray(DATA)
    damaged[position] ^= 0x40
    intact = [read_map_ranges(reader(DATA), partition, "m") for partition in (0, 1)]
    refused = 0
    for partition in (0, 1):
        try:
            found = read_map_ranges(reader(bytes(damaged)), partition, "m")
        except CorruptRun:
            refused += 1
        else:
            assert found == intact[partition]
    assert refused


@pytest.mark.parametrize("length", range(len(DATA)))
def test_a_manifest_cut_short_is_refused(length: int) -> None:
    with pytest.raises(CorruptRun):
        read_map_ranges(reader(DATA[:length]), 1, "m")


def test_a_partition_that_is_not_there_is_named() -> None:
    with pytest.raises(CorruptRun, match="no partition 2, only 2"):
        read_map_ranges(reader(DATA), 2, "m")
