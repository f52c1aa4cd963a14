from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.shuffle.lengths import packed
from kubemr_shell.shuffle.map_manifest import MapManifest, MapRange, encode_map_manifest

LENGTHS = st.integers(0, 2**61)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, end: data[start:end]


def encode(first: int, attempts: list[int], lengths: list[list[int]]) -> bytes:
    return bytes(encode_map_manifest(first, attempts, [packed(of_task) for of_task in lengths]))


def read_map_ranges(read: Callable[[int, int], bytes], partition: int, source: str) -> list[MapRange]:
    (ranges,) = MapManifest(read, source).ranges(partition, partition)
    return ranges


@st.composite
def shards(draw: st.DrawFn) -> tuple[int, list[int], list[list[int]]]:
    partitions = draw(st.integers(1, 4))
    tasks = draw(st.integers(1, 5))
    lengths = st.lists(LENGTHS, min_size=partitions, max_size=partitions)
    return (
        draw(st.integers(0, 10**6)),
        draw(st.lists(st.integers(0, 100), min_size=tasks, max_size=tasks)),
        draw(st.lists(lengths, min_size=tasks, max_size=tasks)),
    )


@given(shards())
def test_each_partition_reads_back_its_ranges_without_the_empty_ones(
    shard: tuple[int, list[int], list[list[int]]],
) -> None:
    first, attempts, lengths = shard
    data = encode(first, attempts, lengths)
    for partition in range(len(lengths[0])):
        expected = [
            MapRange(
                task=first + index, attempt=attempts[index], offset=sum(of_task[:partition]), length=of_task[partition]
            )
            for index, of_task in enumerate(lengths)
            if of_task[partition]
        ]
        assert read_map_ranges(reader(data), partition, "m") == expected


DATA = encode(7, [0, 2], [[10, 5], [3, 0]])


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
    """With 3,000 tasks and 8 partitions, the first read holds the header and the attempts, but not all ranges."""
    data = encode(0, [0] * 3000, [[10 + task] * 8 for task in range(3000)])
    reads: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        reads.append((start, end))
        return data[start:end]

    manifest = MapManifest(read, "m")
    found = list(manifest.ranges(3, 5))
    assert [[place.offset for place in of_partition[:2]] for of_partition in found] == [[30, 33], [40, 44], [50, 55]]
    assert len(reads) == 2
    assert reads[1][1] - reads[1][0] == 3 * (3000 * 16 + 4)

    assert MapManifest(reader(data), "m").kept_bytes < len(data)


def test_a_block_in_the_place_of_another_is_damage() -> None:
    """Both have the same ranges, but for their partition."""
    data = encode(0, [0], [[0, 0]])
    first, second = data[-40:-20], data[-20:]
    assert first[4:] == second[4:]
    with pytest.raises(CorruptRun, match="the ranges of partition 0"):
        read_map_ranges(reader(data[:-40] + second + first), 0, "m")


def test_a_manifest_of_version_1_is_refused_as_such() -> None:
    with pytest.raises(CorruptRun, match="written by an older version: run the job anew"):
        MapManifest(reader(b"KMRMAN1\n" + DATA[8:]), "m")


def test_a_small_manifest_is_read_at_once() -> None:
    reads = 0

    def read(start: int, end: int) -> bytes:
        nonlocal reads
        reads += 1
        return DATA[start:end]

    manifest = MapManifest(read, "m")
    assert [len(ranges) for ranges in manifest.ranges(0, 1)] == [2, 1]
    assert reads == 1
