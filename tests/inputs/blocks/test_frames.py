"""Tests that frames of zstd and lz4 are found, and that bytes that only look like frames are not."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator

import lz4.frame
import pytest
import zstandard

from kubemr_shell.inputs.blocks.block_files import BlockFile
from kubemr_shell.inputs.blocks.frames import LZ4, ZSTD, FrameFormat, find_frame, frame_end, frame_starts
from kubemr_shell.inputs.blocks.window import Window
from kubemr_shell.waits.waiter import Cancelled, Waiter
from tests.support.compressed import parts

SKIPPABLE = b"\x5f\x2a\x4d\x18\4\0\0\0abcd"
ZSTD_FRAMES = [
    zstandard.compress(b""),
    zstandard.compress(b"a" * 1000),
    zstandard.compress(os.urandom(300_000)),
    zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(b"text" * 99_999),
    zstandard.ZstdCompressor(level=19).compress(os.urandom(20) * 9000),
    SKIPPABLE,
]
LZ4_FRAMES = [
    lz4.frame.compress(b""),
    lz4.frame.compress(b"a" * 1000, content_checksum=True),
    lz4.frame.compress(os.urandom(300_000), block_checksum=True, block_size=lz4.frame.BLOCKSIZE_MAX64KB),
    lz4.frame.compress(b"text" * 99_999, block_linked=False, store_size=False),
    SKIPPABLE,
]
MOST = 1 << 20


def window(data: bytes, start: int = 0) -> Window:
    def read(first: int, last: int) -> Iterator[bytes]:
        return parts(data[first:last], 10_000)

    return Window(read, start, len(data))


@pytest.mark.parametrize(("frames", "of"), [(ZSTD_FRAMES, ZSTD), (LZ4_FRAMES, LZ4)])
def test_the_end_of_every_kind_of_frame_is_found(frames: list[bytes], of: FrameFormat) -> None:
    for frame in frames:
        assert frame_end(window(b"before" + frame + b"behind"), 6, of, MOST) == 6 + len(frame)
        assert frame_end(window(frame[:-1]), 0, of, MOST) is None
        assert frame_end(window(b"x" + frame), 0, of, MOST) is None


@pytest.mark.parametrize(("frames", "of"), [(ZSTD_FRAMES, ZSTD), (LZ4_FRAMES, LZ4)])
def test_the_next_frame_is_found_from_any_byte_on(frames: list[bytes], of: FrameFormat) -> None:
    stored = b"".join(frames)
    starts = [sum(map(len, frames[:number])) for number in range(len(frames) - 1)]
    for position in [0, 1, *(start - 1 for start in starts[1:]), *starts, starts[2] + 12_345]:
        found = find_frame(window(stored, position), len(stored), of)
        expected = [start for start in starts if start >= position]
        assert (None if found is None else position + found) == (min(expected) if expected else None)


@pytest.mark.parametrize(("frames", "of"), [(ZSTD_FRAMES, ZSTD), (LZ4_FRAMES, LZ4)])
def test_all_frames_of_a_file_are_found(frames: list[bytes], of: FrameFormat) -> None:
    stored = b"".join(frames)
    starts = [sum(map(len, frames[:number])) for number in range(len(frames))]
    assert frame_starts(window(stored), len(stored), of) == starts
    assert frame_starts(window(stored[:-1]), len(stored) - 1, of) == starts


def test_frames_inside_a_block_are_not_frames_of_the_file() -> None:
    inner = b"".join(zstandard.compress(os.urandom(3000)) for _ in range(200))
    outer = [zstandard.compress(os.urandom(50) + inner), zstandard.compress(os.urandom(400_000))]
    assert inner[:100_000] in outer[0]
    stored = b"".join(outer)
    assert frame_starts(window(stored), len(stored), ZSTD) == [0, len(outer[0])]
    with_checksum = zstandard.ZstdCompressor(write_checksum=True)
    outer[0] = with_checksum.compress(os.urandom(50) + inner)
    for position in range(1, len(outer[0]), 50_021):
        found = find_frame(window(b"".join(outer), position), len(outer[0]), ZSTD)
        assert found is not None
        assert position + found == len(outer[0])


def test_the_memory_of_a_search_does_not_depend_on_the_size_of_the_frames() -> None:
    stored = zstandard.compress(os.urandom(9_000_000)) * 3

    def read(first: int, last: int) -> Iterator[bytes]:
        return (stored[start : min(start + 10_000, last)] for start in range(first, last, 10_000))

    searched = Window(read, 1000, len(stored))
    tracemalloc.start()
    try:
        found = find_frame(searched, len(stored), ZSTD)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
    assert found == len(stored) // 3 - 1000


def test_a_cancel_ends_the_walk_over_the_frames_of_a_file() -> None:
    stored = zstandard.compress(b"a") * 1000
    cancelled, cancel = os.pipe()
    reads = 0

    def read(first: int, last: int) -> Iterator[bytes]:
        nonlocal reads
        reads += 1
        if reads == 10:
            os.write(cancel, b"x")
        yield stored[first:last]

    file = BlockFile(read, codec="zstd", size=len(stored), name="x", is_local=True)
    try:
        with pytest.raises(Cancelled):
            file.cuts([5000], Waiter(cancelled))
    finally:
        os.close(cancelled)
        os.close(cancel)
    assert reads == 10


def test_a_single_frame_has_no_place_to_cut() -> None:
    stored = zstandard.compress(os.urandom(3_000_000))
    assert find_frame(window(stored, 1000), len(stored), ZSTD) is None
    assert frame_starts(window(stored), len(stored), ZSTD) == []
