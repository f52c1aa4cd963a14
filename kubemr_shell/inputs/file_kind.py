"""Recognises by the first bytes of a file whether it is compressed, a tar archive, a zip file, or none of these. Pure.

The bytes decide, whatever the name says. The name decides only in two cases: a file too short to show its kind, and
bytes that are neither of a known kind nor text. Under the name of a compressed file, such bytes are damaged.
"""

from __future__ import annotations

import re
import struct

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.job.split import Codec
from kubemr_shell.shown import shown

HEAD_BYTES = 512
"""The number of first bytes that show the kind of a file: the header of a tar archive is the longest."""
ARCHIVES = ("tar", "zip")
"""The kinds that hold files."""
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of a frame of zstd."""
LZ4_MAGIC = b"\x04\x22\x4d\x18"
"""The first bytes of a frame of lz4."""

_MAGIC: tuple[tuple[bytes, Codec], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (ZSTD_MAGIC, "zstd"),
    (LZ4_MAGIC, "lz4"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"BZh", "bzip2"),
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")
"""The header of a bzip2 stream, and of its first block or of its end. Text may begin with the three letters alone."""
_UNREADABLE = (
    (b"\x1f\x9d", "compressed by compress (.Z)"),
    (b"\x1f\xa0", "compressed by compress -H"),
    (b"\x1f\x1e", "compressed by pack"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"LZIP\x01", "compressed by lzip"),
    (b"\x89LZO\x00\r\n\x1a\n", "compressed by lzop"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed by snappy"),
    (b"\x02\x21\x4c\x18", "compressed by lz4 in its old format (lz4 -l)"),
    (b"PK\x07\x08", "one part of a zip archive in several parts"),
)
_SUFFIXES: dict[str, Codec] = {
    ".gz": "gzip",
    ".tgz": "gzip",
    ".bgz": "gzip",
    ".bz2": "bzip2",
    ".tbz2": "bzip2",
    ".xz": "xz",
    ".txz": "xz",
    ".lzma": "lzma",
    ".zst": "zstd",
    ".tzst": "zstd",
    ".lz4": "lz4",
    ".zip": "zip",
    ".tar": "tar",
}
_OF_TAR = (".tgz", ".tbz2", ".txz", ".tzst")
_NOT_OF_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_FIRST_OF_WIDE = frozenset(mark[:1] for mark, _ in _WIDE)
_FIRST_BYTES = frozenset(magic[0] for magic, _ in (*_MAGIC, *_UNREADABLE)) | frozenset(range(0x50, 0x60))
"""The first bytes of all kinds that _MAGIC, _UNREADABLE and is_skippable know."""
_AS_IT_IS = "set decompress: none (--decompress none) to read the bytes as they are"


def kind_of(head: bytes, name: str, *, called: str = "") -> Codec:
    """Return the kind of a file from its first HEAD_BYTES bytes, or from all its bytes if it is shorter.

    ``name`` is the name of the file, or of the file inside the compression. ``called`` is the name of the file in
    errors if it is another one. Raise InputError for a compression that kubemr-shell cannot read, and CorruptInput for
    a damaged beginning.
    """
    called = called or name
    kind = _by_content(head, called)
    if kind != "none" or not head:
        return kind
    named = kind_by_name(name)
    if named == "none" or wide_encoding(head):
        return "none"
    if named == "tar" and not head.strip(b"\0"):
        return named
    if any(magic.startswith(head) for magic, of in _MAGIC if of == named):
        return named  # the decompression reports that the file was cut
    if _NOT_OF_TEXT.search(head):
        raise CorruptInput(f"{shown(called)}: byte 0: no {named} data begins here: get a correct copy, or {_AS_IT_IS}")
    return "none"


def kind_by_name(name: str) -> Codec:
    """Return the kind that the suffix of a name says, in lower or upper case."""
    return _SUFFIXES.get(_suffix(name), "none")


def compression_by_name(name: str) -> Codec:
    """Return the compression that the suffix of a name says; none for archives that are not compressed."""
    kind = kind_by_name(name)
    return "none" if kind in ARCHIVES else kind


def name_inside(name: str) -> str:
    """Return the name of the file inside a compressed file: ``a.tar`` for ``a.tgz``."""
    suffix = _suffix(name)
    if compression_by_name(name) == "none":
        return name
    return name[: -len(suffix)] + (".tar" if suffix in _OF_TAR else "")


def is_named_csv(uri: str) -> bool:
    """Return whether the path of a file, or of the file inside a compressed file, ends in .csv."""
    is_url = uri.lower().startswith(("http://", "https://"))
    path = uri.partition("?")[0] if is_url else uri
    return name_inside(path).lower().endswith(".csv")


def wide_encoding(head: bytes) -> str:
    """Return the encoding of a text whose characters have several bytes, by its byte order mark, or an empty string.

    A byte 0x0A of such a text need not be a line end, so the text can be neither cut nor joined with others.
    """
    if head[:1] not in _FIRST_OF_WIDE:
        return ""
    return next((encoding for mark, encoding in _WIDE if head.startswith(mark)), "")


def is_skippable(frame: bytes) -> bool:
    """Return whether a frame of zstd or lz4 is a skippable frame (RFC 8878, section 3.1.2)."""
    return frame[1:4] == b"\x2a\x4d\x18" and frame[0] & 0xF0 == 0x50


def _by_content(head: bytes, name: str) -> Codec:
    if head and head[0] not in _FIRST_BYTES and b"\0" not in head:
        return "none"  # the headers of lzma and tar have zero bytes; 100,000 small texts end here
    for magic, description in _UNREADABLE:
        if head.startswith(magic):
            raise InputError(
                f"{shown(name)}: is {description}, which kubemr-shell cannot read: unpack it with another tool, "
                f"or {_AS_IT_IS}"
            )
    kind: Codec = next((kind for magic, kind in _MAGIC if head.startswith(magic)), "none")
    if kind == "bzip2":
        return "bzip2" if _BZIP2.match(head) else "none"
    if kind == "zip" and head.startswith(b"PK\x03\x04") and head[6:7] and head[6] & 1:
        raise InputError(
            f"{shown(name)}: is an encrypted zip archive: unpack it with its password first, or {_AS_IT_IS}"
        )
    if kind != "none":
        return kind
    if is_skippable(head):
        return "zstd"
    if _is_lzma(head):
        return "lzma"
    return "tar" if _is_tar(head) else "none"


def _is_lzma(head: bytes) -> bool:
    """Return whether the header of an .lzma file begins here, by the rules that xz uses to recognise one."""
    if len(head) < 14:
        return False
    properties, dictionary, size, first = struct.unpack_from("<BIQB", head)
    power = 1 << (dictionary - 1).bit_length() if dictionary > 1 else 0
    usual = dictionary in (power, power - (power >> 2), 0xFFFFFFFF) and dictionary >= 1 << 12
    return properties < 225 and usual and (size == (1 << 64) - 1 or size < 1 << 38) and first == 0


def _is_tar(head: bytes) -> bool:
    """Return whether a header of tar begins here: its field 148 to 156 is the sum of all bytes, in octal digits."""
    if len(head) < HEAD_BYTES or not head[0]:
        return False
    digits = head[148:156].strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    rest = head[:148] + b" " * 8 + head[156:HEAD_BYTES]
    signed = sum(rest) - 256 * sum(byte > 127 for byte in rest)  # some old programs add signed bytes
    return int(digits, 8) in (sum(rest), signed)


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 and name[dot - 1] != "/" else ""
