"""Computes checksums and line counts of byte ranges of files."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

_PIECE = 1 << 20


def scan(fd: int, offset: int, length: int) -> tuple[int, int]:
    """Return the CRC-32 and the number of newlines of a range. The range ends at the end of the file at the latest."""
    checksum = newlines = 0
    for piece in pieces(fd, offset, length):
        checksum = zlib.crc32(piece, checksum)
        newlines += piece.count(b"\n")
    return checksum, newlines


def count_lines(fd: int, offset: int, length: int) -> int:
    """Return the number of newlines of a range. The range ends at the end of the file at the latest."""
    return count_byte(fd, offset, length, ord("\n"))


def count_byte(fd: int, offset: int, length: int, byte: int) -> int:
    """Return how often a byte occurs in a range. The range ends at the end of the file at the latest."""
    return sum(piece.count(bytes((byte,))) for piece in pieces(fd, offset, length))


def pieces(fd: int, offset: int, length: int) -> Iterator[bytes]:
    """Yield a range of a file in pieces. The range ends at the end of the file at the latest."""
    end = offset + length
    while offset < end:
        piece = os.pread(fd, min(_PIECE, end - offset), offset)
        if not piece:
            return
        offset += len(piece)
        yield piece
