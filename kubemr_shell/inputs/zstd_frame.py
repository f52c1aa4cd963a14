"""The layout of a frame of zstd, by RFC 8878, section 3.1.1: a header, blocks, and a checksum of the content. Pure."""

from __future__ import annotations

from typing import NamedTuple

LARGEST_BLOCK_BYTES = 128 << 10
"""The largest size in bytes of a block, before and after decompression."""
BLOCK_HEADER_BYTES = 3
"""The size in bytes of the header of a block."""


class Header(NamedTuple):
    """The header of a frame."""

    size: int
    """The size of the header in bytes."""
    checksum_bytes: int
    """The size of the checksum behind the last block: 4, or 0 if there is none."""


class Block(NamedTuple):
    """The header of a block."""

    size: int
    """The size of the block in the frame in bytes, without its header."""
    is_last: bool
    """Whether no block follows in the frame."""


def header_of(head: bytes) -> Header | None:
    """Return the header of a frame from its first 5 bytes, or None if a reserved bit is set."""
    descriptor = head[4]
    if descriptor & 0x08:
        return None
    is_single = bool(descriptor & 0x20)
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    content_size = (int(is_single), 2, 4, 8)[descriptor >> 6]
    return Header(5 + (not is_single) + dictionary + content_size, 4 if descriptor & 4 else 0)


def block_of(header: bytes) -> Block | None:
    """Return the block of a header, or None if no block can have this header."""
    number = int.from_bytes(header, "little")
    kind, size = number >> 1 & 3, number >> 3
    if kind == 3 or size > LARGEST_BLOCK_BYTES:
        return None
    return Block(1 if kind == 1 else size, bool(number & 1))
