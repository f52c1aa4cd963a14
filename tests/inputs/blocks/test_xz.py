"""Tests that the blocks of xz are found by the indexes, and that some of them can be read alone."""

from __future__ import annotations

import lzma
import os
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.blocks.window import Read
from kubemr_shell.inputs.blocks.xz import read_blocks, starts_of, streams_of
from kubemr_shell.inputs.compression import decompressed
from tests.support.compressed import Packer, parts, xz_stream, xz_streams


def reader_of(data: bytes) -> Read:
    def read(first: int, last: int) -> Iterator[bytes]:
        return parts(data[first:last], 10_000)

    return read


@pytest.mark.parametrize("pack", [xz_stream, xz_streams])
@pytest.mark.parametrize("size", [7, 30_000])
def test_each_block_is_read_alone(pack: Packer, size: int) -> None:
    content = os.urandom(40 * size + 3)
    stored = pack(content, size)
    assert b"".join(decompressed([stored], "xz", "name")) == content
    streams = streams_of(reader_of(stored), len(stored))
    assert streams is not None
    starts = starts_of(streams)
    assert len(starts) == 41
    for number, (start, end) in enumerate(pairwise([*starts, len(stored)])):
        read = b"".join(read_blocks(reader_of(stored), streams, start, end, "name"))
        assert read == content[number * size : (number + 1) * size]


def test_an_index_that_is_longer_than_the_first_look_is_read() -> None:
    content = os.urandom(40_000)
    stored = xz_stream(content, 2)
    streams = streams_of(reader_of(stored), len(stored))
    assert streams is not None
    assert len(starts_of(streams)) == 20_000
    assert b"".join(read_blocks(reader_of(stored), streams, 0, len(stored), "name")) == content


def test_the_many_blocks_of_an_index_take_little_memory() -> None:
    stored = indexed(40_000)
    tracemalloc.start()
    try:
        streams = streams_of(reader_of(stored), len(stored))
        assert streams is not None
        assert len(starts_of(streams)) == 40_000
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()


def test_a_file_with_a_longer_index_has_no_place_to_cut() -> None:
    long = b"\x84" + b"\x80" * 7 + b"\0\1"
    stored = indexed(220_000, long)
    assert streams_of(reader_of(stored), len(stored)) is None
    half = indexed(120_000, long)
    assert streams_of(reader_of(half), len(half)) is not None
    assert streams_of(reader_of(half + half), 2 * len(half)) is None


def test_an_index_of_impossible_sizes_has_no_place_to_cut() -> None:
    for size in (b"\xff" * 8 + b"\x7f\1", b"\xff" * 9 + b"\x01\1"):
        stored = indexed(2, size)
        assert streams_of(reader_of(stored), len(stored)) is None


def test_the_indexes_of_many_small_streams_are_read_with_few_requests() -> None:
    stored = b"".join(lzma.compress(b"%d" % number) for number in range(500))
    requests: list[int] = []

    def read(first: int, last: int) -> Iterator[bytes]:
        requests.append(first)
        return iter([stored[first:last]])

    streams = streams_of(read, len(stored))
    assert streams is not None
    assert len(streams) == 500
    assert len(requests) <= 2 + len(stored) // 60_000


def indexed(blocks: int, record: bytes = b"\4\1") -> bytes:
    """Return a stream of blocks of 4 bytes without content. The index has ``record`` for each block."""
    count = blocks
    digits = bytearray()
    while count >= 0x80:
        digits.append(count & 0x7F | 0x80)
        count >>= 7
    index = b"\0" + digits + bytes([count]) + record * blocks
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    fields = struct.pack("<I", len(index) // 4 - 1) + b"\0\0"
    return bytes(12) + bytes(4 * blocks) + index + struct.pack("<I", zlib.crc32(fields)) + fields + b"YZ"


def test_a_file_that_is_cut_or_whose_index_is_damaged_has_no_blocks() -> None:
    stored = xz_streams(os.urandom(1000), 100)
    for size in (5, 12, 500, len(stored) - 1, len(stored) - 5):
        assert streams_of(reader_of(stored[:size]), size) is None
    damaged = bytearray(xz_stream(os.urandom(1000), 100))
    damaged[-20] ^= 1
    assert streams_of(reader_of(bytes(damaged)), len(damaged)) is None
    assert streams_of(reader_of(stored + b"\0"), len(stored) + 1) is None


def test_damage_in_a_block_is_an_error_that_says_where() -> None:
    stored = bytearray(xz_stream(os.urandom(100_000), 20_000))
    streams = streams_of(reader_of(bytes(stored)), len(stored))
    assert streams is not None
    starts = starts_of(streams)
    stored[starts[2] + 500] ^= 1
    read = reader_of(bytes(stored))
    assert len(b"".join(read_blocks(read, streams, 0, starts[2], "name"))) == 40_000
    with pytest.raises(CorruptInput, match=r"^name: (before )?byte \d+: "):
        list(read_blocks(read, streams, starts[1], len(stored), "name"))
