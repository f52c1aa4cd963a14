"""Finds frames of zstd (RFC 8878, section 3.1) and lz4 (the LZ4 frame format) by the headers of their blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kubemr_shell.inputs.blocks.window import Source, Walk, Window
from kubemr_shell.inputs.file_kind import LZ4_MAGIC, ZSTD_MAGIC, is_skippable
from kubemr_shell.inputs.zstd_frame import BLOCK_HEADER_BYTES, LARGEST_BLOCK_BYTES, block_of, header_of

SEARCHED_BYTES = 1 << 20
"""The bytes that are searched for a frame at once."""
LONGEST_SEARCH = 32 << 20
"""The most bytes that are searched for a frame. A file of larger frames stays whole."""
_HEADER_BYTES = 18
"""The longest header of a frame."""


class FrameFormat(NamedTuple):
    """The frames of one compression."""

    magic: bytes
    end_of: Callable[[Source, int, bytes, int], int | None]
    """A function that returns the end of a frame, or None if it is damaged.

    It gets the source, the offset and the first bytes of the frame, and the largest offset to look at.
    """
    largest_block: int
    """The largest number of bytes in one block of a frame."""


def find_frame(window: Window, search: int, frames: FrameFormat) -> int | None:
    """Return the offset of the first frame that begins in the first ``search`` bytes of a window, or None.

    A block may hold bytes that look like frames, but only until its own end. So the frames that follow one another
    from the found place on must be longer than one block, or reach the end of the file. Frames at the
    end of an uncompressed block may still be found. Use ``frame_starts`` where reads at any offset are cheap.
    """
    first = window.start
    limit = first + min(search, LONGEST_SEARCH)
    while window.start < limit:
        is_last = not window.has(SEARCHED_BYTES)
        found = window.data.find(frames.magic, 0, limit - window.start + len(frames.magic) - 1)
        if found >= 0 and _is_chain(window, found, frames):
            return window.start + found - first
        if found < 0 and is_last:
            return None
        window.drop(found + 1 if found >= 0 else len(window.data) - len(frames.magic) + 1)
    return None


def frame_starts(source: Source, size: int, frames: FrameFormat) -> list[int]:
    """Return the offsets of all frames of a file of ``size`` bytes, found from its first frame on.

    Stop at the first byte that begins no frame. Return no offsets if the first frame is longer than LONGEST_SEARCH:
    most of such files have only one frame.
    """
    starts: list[int] = []
    end: int | None = 0
    while end is not None and end < size:
        starts.append(end)
        end = frame_end(source, end, frames, size if len(starts) > 1 else LONGEST_SEARCH)
    return starts if len(starts) > 1 else []


def _is_chain(window: Window, at: int, frames: FrameFormat) -> bool:
    walk = Walk(window, at)
    end = at
    count = 0
    while count < 2 or end - at <= frames.largest_block + 64:
        if not walk.at(end, 1):
            return count > 0
        if end - at > 2 * LONGEST_SEARCH:
            return False
        found = frame_end(walk, end, frames, LONGEST_SEARCH)
        if found is None:
            return False
        end = found
        count += 1
    head = walk.at(end, 4)
    return not head or _begins_frame(head, frames)


def _begins_frame(head: bytes, frames: FrameFormat) -> bool:
    return head.startswith(frames.magic) or (len(head) >= 4 and is_skippable(head))


def frame_end(source: Source, at: int, frames: FrameFormat, most: int) -> int | None:
    """Return the offset of the end of a frame or of a skippable frame.

    Return None if no whole frame begins there, or if the frame has more than ``most`` bytes.
    """
    head = source.at(at, _HEADER_BYTES)
    if len(head) < 8:
        return None
    if is_skippable(head):
        end: int | None = at + 8 + int.from_bytes(head[4:8], "little")
    elif head.startswith(frames.magic):
        end = frames.end_of(source, at, head, at + most)
    else:
        return None
    return end if end is not None and end <= at + most and source.at(end - 1, 1) else None


def _zstd_end(source: Source, at: int, head: bytes, limit: int) -> int | None:
    frame = header_of(head)
    if frame is None:
        return None
    position = at + frame.size
    while True:
        header = source.at(position, BLOCK_HEADER_BYTES)
        block = block_of(header) if len(header) == BLOCK_HEADER_BYTES and position <= limit else None
        if block is None:
            return None
        position += BLOCK_HEADER_BYTES + block.size
        if block.is_last:
            return position + frame.checksum_bytes


def _lz4_end(source: Source, at: int, head: bytes, limit: int) -> int | None:
    flags, descriptor = head[4], head[5]
    if flags >> 6 != 1 or flags & 2 or descriptor & 0x8F or descriptor >> 4 < 4:
        return None
    largest = 1 << (8 + 2 * (descriptor >> 4))
    position = at + 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    while True:
        header = source.at(position, 4)
        if len(header) < 4 or position > limit:
            return None
        size = int.from_bytes(header, "little")
        position += 4
        if not size:
            return position + (4 if flags & 4 else 0)
        size &= 0x7FFFFFFF
        if size > largest:
            return None
        position += size + (4 if flags & 16 else 0)


ZSTD = FrameFormat(ZSTD_MAGIC, _zstd_end, LARGEST_BLOCK_BYTES)
"""The frames of zstd."""
LZ4 = FrameFormat(LZ4_MAGIC, _lz4_end, 4 << 20)
"""The frames of lz4."""
