"""Tests of archives among the inputs: their files, in order, and every kind of damage."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.inputs.unpacking import unpacked
from kubemr_shell.job.spec_mappings import SplitSpec
from tests.support.archives import tar_of
from tests.support.feeding import SCRATCH, fed, listed

FILES = [
    ("b.log", b"first\n"),
    ("folder/a.log", b"without an end"),
    ("folder/" + "long" * 60, b"x\n" * 5000),
    ("empty", b""),
    ("a.log", random.Random(1).randbytes(700_000)),
]
READ = [(f"/in/x/{name}", content) for name, content in FILES]


def zip_of(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def files_in(data: bytes, name: str = "/in/x", size: int = 70_000) -> list[tuple[str, bytes]]:
    return [(file.name, b"".join(file.chunks)) for file in unpacked(chunks(data, size), name, scratch=SCRATCH)]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("size", [13, 70_000])
def test_the_files_in_a_tar_archive_are_read_in_order(form: int, size: int) -> None:
    data = tar_of(FILES, form=form)
    assert files_in(data, size=size) == READ
    assert files_in(gzip.compress(data), size=size) == READ


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_files_in_a_zip_archive_are_read_in_order(method: int) -> None:
    assert files_in(zip_of(FILES, method)) == READ


def test_archives_of_the_usual_programs_are_read(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("a.log", "b.log"):
        (tmp_path / "logs" / name).write_text(f"{name}\n" * 1000)
    (tmp_path / "logs" / "link").symlink_to("a.log")
    for options in (["-czf"], ["-cjf"], ["--zstd", "-cf"], ["-cJf"], ["--format=ustar", "-cf"], ["--format=v7", "-cf"]):
        subprocess.run(["tar", *options, tmp_path / "x", "--sort=name", "-C", tmp_path, "./logs"], check=True)
        found = files_in((tmp_path / "x").read_bytes())
        assert found == [(f"/in/x/logs/{name}", f"{name}\n".encode() * 1000) for name in ("a.log", "b.log")]


def test_an_archive_is_like_a_folder_hidden_names_are_left_out() -> None:
    files = [("./a", b"a"), ("__MACOSX/._a", b"?"), ("x/.git/b", b"?"), ("._a", b"?"), ("_SUCCESS", b"?")]
    assert files_in(tar_of(files)) == files_in(zip_of(files)) == [("/in/x/a", b"a")]


def test_an_archive_without_files_has_no_files() -> None:
    assert files_in(tar_of([]), "/in/x.tar") == files_in(gzip.compress(tar_of([])), "x.tgz") == []
    assert files_in(zip_of([])) == []


def test_members_are_decompressed_and_unpacked_too() -> None:
    inner = tar_of([("y", bz2.compress(b"y"))])
    assert files_in(zip_of([("a.gz", gzip.compress(b"a")), ("b.tgz", gzip.compress(inner))])) == [
        ("/in/x/a.gz", b"a"),
        ("/in/x/b.tgz/y", b"y"),
    ]
    for _ in range(4):
        inner = tar_of([("y", inner)])
    with pytest.raises(InputError, match="/in/x/y/y/y: is an archive inside 3 other archives"):
        files_in(inner)


def test_a_hard_link_is_an_error_because_its_bytes_have_passed() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
        link = tarfile.TarInfo("b")
        link.type, link.linkname = tarfile.LNKTYPE, "a"
        archive.addfile(link)
    with pytest.raises(InputError, match="/in/x/b: is a hard link to a, whose bytes have passed"):
        files_in(made.getvalue())


def test_a_tar_archive_that_was_cut_is_an_error_wherever_it_was_cut() -> None:
    data = tar_of([("a", b"a" * 600), ("b", b"b" * 600), ("c" * 150, b"c")], form=tarfile.GNU_FORMAT)
    end = len(data.rstrip(b"\0"))
    for size in range(512, end, 100):
        with pytest.raises(CorruptInput, match=r"/in/x.*: the archive is damaged here"):
            files_in(data[:size])


def test_damage_in_a_tar_archive_is_an_error_that_names_the_place() -> None:
    data = bytearray(tar_of([("a", b"a" * 600), ("b", b"b" * 600)], form=tarfile.GNU_FORMAT))
    with pytest.raises(CorruptInput, match="/in/x/b: the archive is damaged here"):
        files_in(bytes(data[: 512 + 1024 + 512 + 100]))
    with pytest.raises(CorruptInput, match=r"/in/x: .*other bytes follow the end"):
        files_in(bytes(data) * 2)
    data[512 + 1024 + 10] ^= 1  # the header of b
    with pytest.raises(CorruptInput, match="/in/x: the archive is damaged here"):
        files_in(bytes(data))


def test_damage_in_a_zip_archive_is_an_error_that_names_the_member() -> None:
    data = bytearray(zip_of([("a", b"a" * 600), ("b", b"b" * 600)], zipfile.ZIP_STORED))
    with pytest.raises(CorruptInput, match="/in/x: the archive is damaged here"):
        files_in(bytes(data[:-30]))
    with pytest.raises(CorruptInput, match="/in/x: byte 0: the first bytes do not belong"):
        files_in(zip_of(FILES) + bytes(data))
    data[data.index(b"bbbb") + 10] ^= 1
    with pytest.raises(CorruptInput, match=r"/in/x/b: the archive is damaged here .*CRC"):
        files_in(bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_compression_in_a_zip_archive_is_an_error_that_names_the_member(method: int) -> None:
    content = random.Random(1).randbytes(600)
    whole = zip_of([("b", content)], method)
    for at in range(35, 600, 50):
        with pytest.raises(CorruptInput, match="/in/x/b: the archive is damaged here"):
            files_in(whole[:at] + bytes(20) + whole[at + 20 :])


def test_an_encrypted_member_is_an_error_that_names_it() -> None:
    data = bytearray(zip_of([("a", b"a"), ("b", b"b")]))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[second + 8] |= 1
    with pytest.raises(InputError, match="/in/x/b: is encrypted"):
        files_in(bytes(data))


def test_each_member_is_kept_apart_as_each_packed_file_is(tmp_path: Path) -> None:
    (tmp_path / "1.zip").write_bytes(zip_of([("a", b"a"), ("b", b""), ("c", b"c\n")]))
    (tmp_path / "2.tar").write_bytes(tar_of([("d", b"d"), ("e", b"e")]))
    (tmp_path / "3").write_bytes(b"f")
    (split,) = plan_splits(listed(["."], folder=str(tmp_path)), split=SplitSpec(), parallelism=1)
    assert fed(split) == b"a\nc\nd\ne\nf"


def test_a_wide_text_shares_a_task_with_no_other_member(tmp_path: Path) -> None:
    wide = "line\n".encode("utf-16")
    (tmp_path / "x.zip").write_bytes(zip_of([("a", b"a"), ("b", wide)]))
    (split,) = plan_splits(listed(["."], folder=str(tmp_path)), split=SplitSpec(), parallelism=1)
    with pytest.raises(InputError, match=r"x.zip/b: its byte order mark says UTF-16"):
        fed(split)
    (tmp_path / "x.zip").write_bytes(zip_of([("empty", b""), ("b", wide), ("c", b"")]))
    (split,) = plan_splits(listed(["."], folder=str(tmp_path)), split=SplitSpec(), parallelism=1)
    assert fed(split) == wide


def test_nothing_is_left_in_the_folder_of_temporary_files() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        files = unpacked([zip_of(FILES)], "x", scratch=scratch)
        next(files)
        assert not list(Path(scratch).iterdir())
