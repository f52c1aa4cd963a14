"""Tests of the layout of zstd frames, on frames that a library has made."""

from __future__ import annotations

import pytest
import zstandard

from kubemr_shell.inputs.zstd_frame import BLOCK_HEADER_BYTES, LARGEST_BLOCK_BYTES, block_of, header_of

CONTENTS = {
    "empty": b"",
    "small": b"word\n",
    "one repeated byte": b"x" * 1_000_000,
    "text": b"".join(b"line %d\n" % number for number in range(60_000)),
}


@pytest.mark.parametrize("has_checksum", [False, True])
@pytest.mark.parametrize("has_size", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_the_header_the_blocks_and_the_checksum_are_the_frame(name: str, has_size: bool, has_checksum: bool) -> None:
    compressor = zstandard.ZstdCompressor(write_checksum=has_checksum, write_content_size=has_size)
    frame = compressor.compress(CONTENTS[name])
    header = header_of(frame[:5])
    assert header is not None
    at = header.size
    is_last = False
    while not is_last:
        block = block_of(frame[at : at + BLOCK_HEADER_BYTES])
        assert block is not None
        at += BLOCK_HEADER_BYTES + block.size
        is_last = block.is_last
    assert at + header.checksum_bytes == len(frame)
    assert header.checksum_bytes == (4 if has_checksum else 0)


def test_a_reserved_bit_is_no_header() -> None:
    assert header_of(b"\x28\xb5\x2f\xfd\x08") is None


@pytest.mark.parametrize("size", [LARGEST_BLOCK_BYTES + 1, (1 << 21) - 1])
def test_a_block_that_is_too_large_is_no_block(size: int) -> None:
    assert block_of((size << 3).to_bytes(3, "little")) is None


def test_a_reserved_kind_is_no_block() -> None:
    assert block_of((3 << 1).to_bytes(3, "little")) is None
