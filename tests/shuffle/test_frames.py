import os
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubemr_shell.shuffle.frames import EXPANDED_BYTES, READ_BYTES, DamagedFrame, Expander, Frames
from kubemr_shell.shuffle.lengths import packed, ranges


def sent(contents: list[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the frames of a run file with these partitions, and the range of each frame."""
    with tempfile.TemporaryFile(buffering=0) as run:
        for content in contents:
            run.write(content)
        frames = Frames(run.fileno(), packed(map(len, contents)))
        return b"".join(frames), list(ranges(frames.lengths))


def expanded(frame: bytes) -> bytes:
    """Piece by piece, and at once: both give the same, or both find the damage."""
    expander = Expander()
    size = expander.size(frame, len(frame))
    try:
        whole = expander.whole(frame)
    except DamagedFrame:
        with pytest.raises(DamagedFrame):
            list(expander.pieces(size, iter([frame])))
        raise
    assert b"".join(bytes(piece) for piece in expander.pieces(size, iter([frame]))) == whole
    assert len(whole) == size
    return whole


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_each_partition_comes_back_and_an_empty_one_takes_no_byte(contents: list[bytes]) -> None:
    data, places = sent(contents)
    at = 0
    for content, (offset, length) in zip(contents, places, strict=True):
        assert offset == at
        assert (length == 0) == (content == b"")
        if content:
            assert expanded(data[offset : offset + length]) == content
        at += length
    assert at == len(data)


def test_a_long_partition_is_sent_and_expanded_piece_by_piece() -> None:
    content = os.urandom(READ_BYTES) + bytes(3 * READ_BYTES) + os.urandom(READ_BYTES)
    data, places = sent([b"first", content])
    offset, length = places[1]
    frame = data[offset : offset + length]
    assert length < 3 * READ_BYTES
    pieces = iter([frame[start : start + 1000] for start in range(0, length, 1000)])
    sizes, whole = [], []
    for piece in Expander().pieces(len(content), pieces):
        sizes.append(len(piece))
        whole.append(bytes(piece))
    assert max(sizes) <= EXPANDED_BYTES
    assert b"".join(whole) == content


CONTENT = b"".join(b"key%d\tvalue\n" % number for number in range(40))
FRAME = sent([CONTENT])[0]


@pytest.mark.parametrize("position", range(len(FRAME)))
def test_a_flipped_bit_is_found(position: int) -> None:
    """But one bit, which zstd ignores, and says so: then the content is what it was."""
    damaged = bytearray(FRAME)
    damaged[position] ^= 0x10
    try:
        found = expanded(bytes(damaged))
    except DamagedFrame:
        return
    assert found == CONTENT


def content_of(frame: bytes, *, at_once: bool) -> bytes:
    expander = Expander()
    size = expander.size(frame, len(frame))
    return expander.whole(frame) if at_once else b"".join(map(bytes, expander.pieces(size, iter([frame]))))


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.integers(0, len(FRAME) - 1), st.integers(0, 255)), st.binary(max_size=8), st.booleans())
def test_whatever_bytes_arrive_the_content_is_right_or_the_damage_is_found(
    bytes_at: dict[int, int], behind: bytes, at_once: bool
) -> None:
    damaged = bytearray(FRAME)
    for position, byte in bytes_at.items():
        damaged[position] = byte
    try:
        found = content_of(bytes(damaged) + behind, at_once=at_once)
    except DamagedFrame:
        return
    assert found == CONTENT


@pytest.mark.parametrize("length", range(len(FRAME)))
def test_a_frame_cut_short_is_found(length: int) -> None:
    with pytest.raises(DamagedFrame):
        Expander().whole(FRAME[:length])


def test_a_size_that_no_frame_can_have_is_damage() -> None:
    """Room is made for the size that a frame says, and the places of all later frames follow."""
    data, _ = sent([bytes(100_000)])
    assert Expander().size(data, len(data)) == 100_000
    with pytest.raises(DamagedFrame, match="a size that it cannot have"):
        Expander().size(data, 3)
