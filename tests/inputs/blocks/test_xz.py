"""Tests that the blocks of xz are found by the indexes, and that some of them can be read alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.blocks.window import Read
from kubemr_shell.inputs.blocks.xz import blocks_of, read_blocks
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
    blocks = blocks_of(reader_of(stored), len(stored))
    assert blocks is not None
    assert len(blocks) == 41
    for number, block in enumerate(blocks):
        read = b"".join(read_blocks(reader_of(stored), blocks, block.start, block.end, "name"))
        assert read == content[number * size : (number + 1) * size]


def test_an_index_that_is_longer_than_the_first_look_is_read() -> None:
    content = os.urandom(40_000)
    stored = xz_stream(content, 2)
    blocks = blocks_of(reader_of(stored), len(stored))
    assert blocks is not None
    assert len(blocks) == 20_000
    assert b"".join(read_blocks(reader_of(stored), blocks, 0, len(stored), "name")) == content


def test_a_file_that_is_cut_or_whose_index_is_damaged_has_no_blocks() -> None:
    stored = xz_streams(os.urandom(1000), 100)
    for size in (5, 12, 500, len(stored) - 1, len(stored) - 5):
        assert blocks_of(reader_of(stored[:size]), size) is None
    damaged = bytearray(xz_stream(os.urandom(1000), 100))
    damaged[-20] ^= 1
    assert blocks_of(reader_of(bytes(damaged)), len(damaged)) is None
    assert blocks_of(reader_of(stored + b"\0"), len(stored) + 1) is None


def test_damage_in_a_block_is_an_error_that_says_where() -> None:
    stored = bytearray(xz_stream(os.urandom(100_000), 20_000))
    blocks = blocks_of(reader_of(bytes(stored)), len(stored))
    assert blocks is not None
    stored[blocks[2].start + 500] ^= 1
    read = reader_of(bytes(stored))
    assert len(b"".join(read_blocks(read, blocks, 0, blocks[2].start, "name"))) == 40_000
    with pytest.raises(CorruptInput, match=r"^name: (before )?byte \d+: "):
        list(read_blocks(read, blocks, blocks[1].start, len(stored), "name"))
