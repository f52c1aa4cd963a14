"""Makes compressed files whose blocks have chosen sizes, as the tools make them that write files of blocks."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator

import lz4.frame
import zstandard

Packer = Callable[[bytes, int], bytes]
"""A function that compresses a content in blocks, each with this number of bytes of it."""

END_OF_BGZF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block at the end of a BGZF file."""


def parts(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def bgzf_block(content: bytes, level: int = 6) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = stream.compress(content) + stream.flush()
    header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(data) + 25)
    return header + data + struct.pack("<II", zlib.crc32(content), len(content))


def bgzf(content: bytes, size: int = 65_280, level: int = 6) -> bytes:
    return b"".join(bgzf_block(part, level) for part in parts(content, size)) + END_OF_BGZF


def zstd_frames(content: bytes, size: int) -> bytes:
    return b"".join(zstandard.compress(part) for part in parts(content, size))


def zstd_with_seek_table(content: bytes, size: int) -> bytes:
    frames = [(zstandard.compress(part), len(part)) for part in parts(content, size)]
    table = b"".join(struct.pack("<II", len(frame), length) for frame, length in frames)
    table += struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    return b"".join(frame for frame, _ in frames) + struct.pack("<II", 0x184D2A5E, len(table)) + table


def zstd_with_skippable_frames(content: bytes, size: int) -> bytes:
    empty = zstandard.compress(b"")
    return b"".join(b"\x50\x2a\x4d\x18\3\0\0\0abc" + zstandard.compress(part) + empty for part in parts(content, size))


def lz4_frames(content: bytes, size: int) -> bytes:
    return b"".join(
        lz4.frame.compress(part, content_checksum=True, block_checksum=number % 2 == 1, store_size=number % 3 == 0)
        for number, part in enumerate(parts(content, size))
    )


def bzip2_streams(content: bytes, size: int) -> bytes:
    """Return one stream for each part, as pbzip2 writes them."""
    return b"".join(bz2.compress(part, 1) for part in parts(content, size))


def xz_stream(content: bytes, size: int, check: int = lzma.CHECK_CRC64) -> bytes:
    """Return one stream with a block for each part, as xz writes it with several threads."""
    blocks, records = b"", []
    for part in parts(content, size):
        stream = lzma.compress(part, check=check, preset=0)
        index_bytes = 4 * (struct.unpack("<I", stream[-8:-4])[0] + 1)
        index = stream[-12 - index_bytes : -12]
        blocks += stream[12 : -12 - index_bytes]
        records.append(index[2:-4])  # with the padding, which is removed below
    flags = b"\0" + bytes([check])
    index = b"\0" + _number(len(records)) + b"".join(_two_numbers(record) for record in records)
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    fields = struct.pack("<I", len(index) // 4 - 1) + flags
    header = b"\xfd7zXZ\0" + flags + struct.pack("<I", zlib.crc32(flags))
    return header + blocks + index + struct.pack("<I", zlib.crc32(fields)) + fields + b"YZ"


def xz_streams(content: bytes, size: int) -> bytes:
    """Return streams of three blocks each, with padding behind the streams."""
    checks = [lzma.CHECK_CRC32, lzma.CHECK_NONE, lzma.CHECK_SHA256]
    return b"".join(
        xz_stream(part, size, checks[number % 3]) + bytes(4 * (number % 3))
        for number, part in enumerate(parts(content, 3 * size))
    )


def _number(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low | 0x80]) + _number(value >> 7) if value >> 7 else bytes([low])


def _two_numbers(data: bytes) -> bytes:
    ends = [at for at, byte in enumerate(data) if byte < 0x80]
    return data[: ends[1] + 1]


PACKERS: dict[str, Packer] = {
    "bgzf": bgzf,
    "bzip2": bzip2_streams,
    "lz4": lz4_frames,
    "xz": xz_stream,
    "xz streams": xz_streams,
    "zstd": zstd_frames,
    "zstd seek table": zstd_with_seek_table,
    "zstd skippable": zstd_with_skippable_frames,
}
"""The ways to make a file of blocks."""
