"""Tests that blocks of bzip2 are found at any bit, and that their decompression is checked."""

from __future__ import annotations

import bz2
import random
from collections.abc import Iterator

import pytest

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.blocks.bzip2 import BLOCK, STREAM_END, BlockReader, bits_of, find_block, places
from kubemr_shell.inputs.blocks.window import Read, Window
from tests.support.compressed import parts


def reader_of(data: bytes) -> Read:
    def read(first: int, last: int) -> Iterator[bytes]:
        return parts(data[first:last], 10_000)

    return read


def content_of(stored: bytes, start: int, end: int) -> bytes:
    return b"".join(BlockReader(reader_of(stored), start, end, len(stored), "name").chunks())


def starts_of(stored: bytes) -> list[int]:
    """Return the offset of the byte of each block, found one after the other as the planner finds them."""
    starts: list[int] = []
    while True:
        start = starts[-1] + 1 if starts else 0
        found = find_block(Window(reader_of(stored), start, len(stored)), len(stored))
        if found is None:
            return starts
        starts.append(start + found)


def noise(size: int, values: bytes, seed: int = 1) -> bytes:
    return bytes(random.Random(seed).choices(values, k=size))


def values_whose_map_looks_like_a_block() -> bytes:
    """Return byte values whose use in a block makes its symbol map contain the bits that begin a block.

    Behind its checksum, a block has 16 bits for the rows of values in use, and 16 bits for the values in each row.
    """
    rows = [0x0020, BLOCK >> 32, BLOCK >> 16 & 0xFFFF, BLOCK & 0xFFFF, *[0x0001] * 12]
    return bytes(16 * row + bit for row, mask in enumerate(rows) for bit in range(16) if mask >> 15 - bit & 1)


def test_places_are_found_at_every_bit() -> None:
    for shift in range(8):
        for magic in (BLOCK, STREAM_END):
            bits = (0b101 << 48 | magic) << 16 + 8 - shift
            data = bits.to_bytes(12, "big")
            (place,) = places(data, magic, 0, len(data))
            assert bits_of(data, place, 48) == magic
            assert place == 8 * len(data) - (16 + 8 - shift) - 48


def test_every_block_is_found_and_read_alone() -> None:
    content = noise(450_000, bytes(range(40)))
    stored = bz2.compress(content, 1)
    starts = starts_of(stored)
    assert len(starts) == 5
    ends = [*starts[1:], len(stored)]
    pieces = [content_of(stored, start, end) for start, end in zip([0, *starts[1:]], ends, strict=True)]
    assert b"".join(pieces) == content
    assert all(90_000 < len(piece) < 100_000 for piece in pieces[:-1])


def test_the_bits_that_begin_a_block_may_also_be_inside_blocks() -> None:
    content = noise(450_000, values_whose_map_looks_like_a_block())
    stored = bz2.compress(content, 1)
    assert len(places(stored, BLOCK, 0, len(stored))) == 10
    starts = starts_of(stored)
    assert len(starts) == 5
    pieces = [
        content_of(stored, start, end) for start, end in zip([0, *starts[1:]], [*starts[1:], len(stored)], strict=True)
    ]
    assert b"".join(pieces) == content


def test_a_place_inside_a_block_that_a_plan_took_for_a_block_is_an_error_for_both_readers() -> None:
    stored = bz2.compress(noise(250_000, values_whose_map_looks_like_a_block()), 1)
    inside = places(stored, BLOCK, 0, len(stored))[3] // 8
    for start, end in [(0, inside), (inside, len(stored))]:
        with pytest.raises(CorruptInput, match=r"^name: "):
            content_of(stored, start, end)


def test_streams_of_several_sizes_follow_one_another() -> None:
    contents = [b"", noise(130_000, b"ab\n"), b"", b"x", noise(950_000, bytes(range(256)))]
    stored = b"".join(bz2.compress(content, 1 + number) for number, content in enumerate(contents))
    assert content_of(stored, 0, len(stored)) == b"".join(contents)
    starts = starts_of(stored)
    assert b"".join(
        content_of(stored, start, end) for start, end in zip([0, *starts[1:]], [*starts[1:], len(stored)], strict=True)
    ) == b"".join(contents)


def test_a_block_of_a_long_run_is_not_held_in_memory_at_once() -> None:
    stored = bz2.compress(bytes(40_000_000))
    chunks = list(BlockReader(reader_of(stored), 0, len(stored), len(stored), "name").chunks())
    assert sum(map(len, chunks)) == 40_000_000
    assert max(map(len, chunks)) <= 1 << 20


@pytest.mark.parametrize("cut", [3, 10, 5_000, -1, -5, -12])
def test_a_file_that_was_cut_is_an_error(cut: int) -> None:
    stored = bz2.compress(noise(250_000, bytes(range(90))), 1)
    start = starts_of(stored)[1] if abs(cut) > 10 and cut > 10 else 0
    stored = stored[:cut] if cut < 0 or not start else stored[: start + cut]
    with pytest.raises(
        CorruptInput, match=rf"^name: byte {len(stored)}: the file ends in the middle of the bzip2 data"
    ):
        content_of(stored, start, len(stored))


def test_damage_in_a_block_and_bytes_behind_the_end_are_errors() -> None:
    stored = bz2.compress(noise(250_000, bytes(range(90))), 1)
    second = starts_of(stored)[1]
    for at in range(second + 20, len(stored), 9001):
        damaged = bytearray(stored)
        damaged[at] ^= 0x10
        with pytest.raises(CorruptInput, match=r"^name: "):
            content_of(bytes(damaged), second, len(stored))
    with pytest.raises(
        CorruptInput, match=rf"^name: byte {len(stored)}: no bzip2 data begins here: other bytes follow"
    ):
        content_of(stored + b"more bytes", second, len(stored) + 10)


def test_a_wrong_checksum_of_a_whole_stream_is_an_error() -> None:
    stored = bytearray(bz2.compress(noise(250_000, bytes(range(90))), 1))
    (end,) = places(stored, STREAM_END, 0, len(stored))
    stored[end // 8 + 8] ^= 1
    with pytest.raises(CorruptInput, match="the checksum of the stream is wrong"):
        content_of(bytes(stored), 0, len(stored))
