from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.shuffle.map_manifest import MapManifest, MapRange, encode_map_manifest

U64 = st.integers(0, 2**64 - 1)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, end: data[start:end]


def read_map_ranges(read: Callable[[int, int], bytes], partition: int, source: str) -> list[MapRange]:
    (ranges,) = MapManifest(read, source).ranges(partition, partition)
    return ranges


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


def test_neighbours_are_read_together_and_what_was_read_is_not_read_again() -> None:
    """Of 3,000 tasks and 8 partitions, the header and contents are in the first read, and the ranges are not."""
    ranges = [[(task * 80 + partition * 10, 10) for partition in range(8)] for task in range(3000)]
    data = encode_map_manifest(0, [0] * 3000, ranges)
    reads: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        reads.append((start, end))
        return data[start:end]

    manifest = MapManifest(read, "m")
    found = list(manifest.ranges(3, 5))
    assert [[place.offset for place in of_partition[:2]] for of_partition in found] == [[30, 110], [40, 120], [50, 130]]
    assert len(reads) == 2
    assert reads[1][1] - reads[1][0] == 3 * 3000 * 16

    assert MapManifest(reader(data), "m").kept_bytes < len(data)


def test_a_small_manifest_is_read_at_once() -> None:
    reads = 0

    def read(start: int, end: int) -> bytes:
        nonlocal reads
        reads += 1
        return DATA[start:end]

    manifest = MapManifest(read, "m")
    assert [len(ranges) for ranges in manifest.ranges(0, 1)] == [2, 1]
    assert reads == 1
