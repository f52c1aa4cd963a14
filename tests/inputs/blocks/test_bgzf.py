"""Tests that blocks of BGZF are found, and that bytes that only look like blocks are not."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator

from kubemr_shell.inputs.blocks.bgzf import LARGEST_BLOCK, begins_with_block, block_size, find_block
from kubemr_shell.inputs.blocks.window import Window
from tests.support.compressed import END_OF_BGZF, bgzf, bgzf_block, parts


def window(data: bytes, start: int = 0) -> Window:
    def read(first: int, last: int) -> Iterator[bytes]:
        return parts(data[first:last], 1000)

    return Window(read, start, len(data))


def test_the_size_of_a_block_is_in_its_header() -> None:
    block = bgzf_block(os.urandom(99))
    assert block_size(block + b"more") == len(block)
    assert block_size(END_OF_BGZF) == len(END_OF_BGZF)
    other_field = b"XY\3\0abc"
    header = block[:10] + (len(other_field) + 6).to_bytes(2, "little") + other_field + block[12:]
    assert block_size(header) == len(block)


def test_other_bytes_are_no_block() -> None:
    for data in (b"", b"\x1f\x8b\x08\x04", gzip.compress(b"text"), bgzf_block(b"text")[:17], bytes(99)):
        assert block_size(data) is None
        assert not begins_with_block(window(data))


def test_the_next_block_is_found_from_any_byte_on() -> None:
    blocks = [bgzf_block(os.urandom(size)) for size in (100, 40_000, 3, 50_000, 65_280, 10)]
    stored = b"".join(blocks)
    starts = [sum(map(len, blocks[:number])) for number in range(len(blocks))]
    for position in (0, 1, starts[1], starts[1] + 1, starts[3] - 1, starts[4], starts[5]):
        found = find_block(window(stored, position))
        assert found is not None
        assert position + found == min(start for start in starts if start >= position)
    assert find_block(window(stored, starts[5] + 1)) is None


def test_blocks_inside_a_block_are_not_blocks_of_the_file() -> None:
    inner = bgzf(os.urandom(200_000), 500)
    outer = list(parts(inner, 60_000))
    stored = b"".join(bgzf_block(part, level=0) for part in outer)
    starts = {sum(len(bgzf_block(part, level=0)) for part in outer[:number]) for number in range(len(outer))}
    for position in range(0, len(stored) - LARGEST_BLOCK, 7919):
        found = find_block(window(stored, position))
        assert found is not None
        assert position + found in starts


def test_a_damaged_block_is_not_found() -> None:
    stored = bytearray(b"".join(bgzf_block(os.urandom(50_000)) for _ in range(3)))
    stored[100] ^= 1
    found = find_block(window(bytes(stored)))
    assert found is not None
    assert found > 50_000
