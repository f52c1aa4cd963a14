"""Tests that files show their kind by their bytes, and by their names if the bytes do not show it."""

from __future__ import annotations

import io
import lzma
import random
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.file_kind import (
    HEAD_BYTES,
    compression_by_name,
    kind_by_name,
    kind_of,
    name_inside,
    wide_encoding,
)

TEXT = b"some line of a log\n" * 100


def tar_of(name: str, content: bytes, form: int = tarfile.GNU_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_is_known_by_its_checksum(form: int) -> None:
    data = bytearray(tar_of("a.log", TEXT, form))
    assert kind_of(bytes(data[:HEAD_BYTES]), "x") == "tar"
    data[257:265] = bytes(8)  # the tar of Unix V7 has no magic
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    assert kind_of(bytes(data[:HEAD_BYTES]), "x") == "tar"
    data[0] ^= 1
    assert kind_of(bytes(data[:HEAD_BYTES]), "x") == "none"


def test_zip_is_known_with_and_without_members() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w"):
        pass
    assert kind_of(made.getvalue(), "x") == "zip"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", "b")
    assert kind_of(made.getvalue()[:HEAD_BYTES], "x") == "zip"


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
@pytest.mark.parametrize("preset", [0, 6, 9])
def test_lzma_is_known_by_its_header(size: int, preset: int) -> None:
    data = lzma.compress(bytes(size), format=lzma.FORMAT_ALONE, preset=preset)
    assert kind_of(data[:HEAD_BYTES], "x") == "lzma"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"\x1f\x9d\x90", r"compress \(\.Z\)"),
        (b"7z\xbc\xaf\x27\x1c\x00", "7z"),
        (b"Rar!\x1a\x07\x01", "rar"),
        (b"LZIP\x01", "lzip"),
        (b"\x02\x21\x4c\x18", "old format"),
        (b"PK\x03\x04\x14\x00\x01\x00", "encrypted"),
    ],
)
def test_what_is_known_but_cannot_be_read_is_an_error_that_says_how_to_read_the_bytes(head: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=rf"/in/x: .*{reason}.*decompress: none"):
        kind_of(head + bytes(600), "/in/x")


@given(st.text())
def test_text_is_of_no_kind(text: str) -> None:
    head = text.encode()[:HEAD_BYTES]
    if not head.startswith(b"PK\x03\x04"):
        assert kind_of(head, "x.txt") == "none"


@pytest.mark.parametrize("text", [b"BZh is three letters", b"BZ", b"PK is a code", b"(a", b"]x", b"7z", b"\x1b[0m red"])
def test_text_that_begins_like_a_compressed_file_is_text(text: bytes) -> None:
    assert kind_of(text, "a.txt") == "none"


@pytest.mark.parametrize("name", ["a.gz", "a.bz2", "a.xz", "a.zst", "a.lz4", "a.zip", "a.tar"])
def test_text_under_the_name_of_a_compressed_file_is_text_and_other_bytes_are_damage(name: str) -> None:
    assert kind_of(TEXT[:HEAD_BYTES], name) == "none"
    with pytest.raises(CorruptInput, match=f"{name}: byte 0: no .* data begins here"):
        kind_of(random.Random(1).randbytes(HEAD_BYTES), name)


def test_a_file_that_ends_in_its_first_bytes_is_of_the_kind_that_its_name_says() -> None:
    assert [kind_of(head, name) for head, name in ((b"\x1f", "a.gz"), (b"BZ", "a.bz2"), (b"\x28\xb5", "a.zst"))] == [
        "gzip",
        "bzip2",
        "zstd",
    ]


def test_kinds_are_known_by_suffix() -> None:
    names = ["a.gz", "b.log.bz2", "c.XZ", "d.zst", "e.txt", "gz", ".gz/x", "", "x/.gz"]
    assert [kind_by_name(name) for name in names] == ["gzip", "bzip2", "xz", "zstd", *["none"] * 5]
    assert (kind_by_name("a.tar"), compression_by_name("a.tar"), compression_by_name("a.tgz")) == (
        "tar",
        "none",
        "gzip",
    )
    assert [name_inside(name) for name in ("a.txt.gz", "a.TGZ", "a.tar.xz", "a.zip", "a")] == [
        "a.txt",
        "a.tar",
        "a.tar",
        "a.zip",
        "a",
    ]


def test_byte_order_marks_of_wide_characters_are_known() -> None:
    heads = ["x".encode(encoding) for encoding in ("utf-16", "utf-32", "utf-8", "utf-8-sig")]
    assert [wide_encoding(head) for head in heads] == ["UTF-16", "UTF-32", "", ""]
    assert [wide_encoding(b"\xfe\xff\0x"), wide_encoding(b"\0\0\xfe\xff")] == ["UTF-16", "UTF-32"]
