"""Archives: every kind is unpacked, and none reaches outside."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from kubemr_shell.command.archives import unpack
from kubemr_shell.errors import CommandNotStarted


def member(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.mode = mode
    info.size = len(b"data\n") if kind == tarfile.REGTYPE else 0
    return info


def tar(path: Path, *members: tarfile.TarInfo, mode: str = "w:") -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for info in members:
            archive.addfile(info, io.BytesIO(b"data\n"))
    path.write_bytes(buffer.getvalue())
    return path


WHOLE = (
    member("bin", kind=tarfile.DIRTYPE),
    member("bin/run", mode=0o4755),
    member("deep/er/file", mode=0o600),
    member("bin/link", kind=tarfile.SYMTYPE, link="../deep/er/file"),
    member("same", kind=tarfile.LNKTYPE, link="bin/run"),
)


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "tar.zst"])
def test_tar_is_unpacked_whatever_its_compression(tmp_path: Path, suffix: str) -> None:
    compression = {"tgz": "gz", "tar": "", "tar.zst": ""}.get(suffix, suffix.removeprefix("tar."))
    path = tar(tmp_path / f"x.{suffix}", *WHOLE, mode=f"w:{compression}")
    if suffix == "tar.zst":
        path.write_bytes(zstandard.compress(path.read_bytes()))
    unpack(str(path), str(tmp_path / "out"))
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "out/deep/er/file").stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "out/bin/link").read_text() == "data\n"
    assert (tmp_path / "out/same").samefile(tmp_path / "out/bin/run")


def test_zip_is_unpacked_with_execute_bits_and_links(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, data in (
            ("bin/run", 0o100755, b"data\n"),
            ("file", 0, b"data\n"),
            ("link", 0o120777, b"bin/run"),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data)
        archive.mkdir("empty") if hasattr(archive, "mkdir") else archive.writestr("empty/", b"")
    unpack(str(tmp_path / "x.zip"), str(tmp_path / "out"))
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/file").stat().st_mode & 0o777 == 0o644
    assert os.readlink(tmp_path / "out/link") == "bin/run"
    assert (tmp_path / "out/empty").is_dir()


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil")],
        [member("/tmp/evil")],
        [member("a/../../evil")],
        [member("link", kind=tarfile.SYMTYPE, link="../..")],
        [member("link", kind=tarfile.SYMTYPE, link="/etc")],
        [member("link", kind=tarfile.LNKTYPE, link="../secret")],
        [member("..", kind=tarfile.DIRTYPE)],
        [
            member("a/b", kind=tarfile.DIRTYPE),
            member("x", kind=tarfile.SYMTYPE, link="a/b"),
            member("x/up", kind=tarfile.SYMTYPE, link="../../.."),
        ],
        [
            member("a/b", kind=tarfile.DIRTYPE),
            member("down", kind=tarfile.SYMTYPE, link="a/b"),
            member("up", kind=tarfile.SYMTYPE, link="down/../.."),
        ],
        [
            member("a/b", kind=tarfile.DIRTYPE),
            member("a/b/c", kind=tarfile.SYMTYPE, link="../.."),
            member("a/b/c/up", kind=tarfile.SYMTYPE, link=".."),
        ],
        [
            member("up", kind=tarfile.SYMTYPE, link="later/.."),
            member("later", kind=tarfile.SYMTYPE, link="."),
        ],
        [member("pipe", kind=tarfile.FIFOTYPE)],
        [member("disk", kind=tarfile.BLKTYPE)],
    ],
    ids=[
        "up",
        "absolute",
        "hidden-up",
        "link-up",
        "link-absolute",
        "hard-link",
        "folder-up",
        "chain",
        "twist",
        "top",
        "later",
        "fifo",
        "device",
    ],
)
def test_nothing_is_written_outside(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    (tmp_path / "secret").write_text("secret\n")
    path = tar(tmp_path / "x.tar", *members, member("after"))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(CommandNotStarted, match="cannot be unpacked"):
        unpack(str(path), str(tmp_path / "out"))
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "out"])
    assert not (tmp_path / "out/after").exists()


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip", "x.tar.zst"])
def test_an_archive_that_is_missing_is_named_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandNotStarted, match=r"^archives: \S+ cannot be unpacked: No such file or directory$"):
        unpack(str(tmp_path / name), str(tmp_path / "out"))


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip", "x.tar.zst"])
def test_a_damaged_archive_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"no archive at all, but long enough to look at twice")
    with pytest.raises(CommandNotStarted, match=str(path)):
        unpack(str(path), str(tmp_path / "out"))


def test_a_cut_archive_is_named(tmp_path: Path) -> None:
    path = tar(tmp_path / "x.tar.gz", *WHOLE, mode="w:gz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CommandNotStarted, match=str(path)):
        unpack(str(path), str(tmp_path / "out"))


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def large_tar() -> bytes:
    """Two members, each longer than what is read ahead of an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("one", "two"):
            info = tarfile.TarInfo(name)
            info.size = 100 * 512
            archive.addfile(info, io.BytesIO(bytes(range(256)) * 200))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.tar", large_tar()[: 101 * 512]),
        ("x.tar", flipped(large_tar(), 101 * 512)),
        ("x.tar.gz", flipped(gzip.compress(large_tar(), 0), 2000)),
        ("x.tar.gz", gzip.compress(large_tar())[:-8]),
        ("x.tar.bz2", flipped(bz2.compress(large_tar()), -3)),
        ("x.tar.xz", flipped(lzma.compress(large_tar()), -3)),
        ("x.tar.zst", flipped(zstandard.ZstdCompressor(write_checksum=True).compress(large_tar()), -1)),
        ("x.tar.zst", zstandard.compress(large_tar())[:-1]),
    ],
    ids=["cut", "header", "gzip data", "gzip cut", "bzip2 sum", "xz end", "zstd sum", "zstd cut"],
)
def test_damage_after_the_first_member_is_not_taken_for_the_end(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(CommandNotStarted, match=str(path)):
        unpack(str(path), str(tmp_path / "out"))


def test_an_empty_tar_is_an_empty_folder(tmp_path: Path) -> None:
    unpack(str(tar(tmp_path / "x.tar")), str(tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_pipe_is_no_archive_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.tar")
    with pytest.raises(CommandNotStarted, match=r"x\.tar cannot be unpacked: it is not a regular file"):
        unpack(str(tmp_path / "x.tar"), str(tmp_path / "out"))


def test_the_last_of_two_members_of_one_name_counts(tmp_path: Path) -> None:
    target = member("other")
    path = tar(tmp_path / "x.tar", target, member("x", kind=tarfile.SYMTYPE, link="other"), member("x", mode=0o755))
    unpack(str(path), str(tmp_path / "out"))
    assert (tmp_path / "out/x").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "out/x").is_symlink()
    assert (tmp_path / "out/other").stat().st_mode & 0o777 == 0o644


def test_a_member_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    path = tar(tmp_path / "x.tar", member("x/y"), member("x"))
    with pytest.raises(CommandNotStarted, match=str(path)):
        unpack(str(path), str(tmp_path / "out"))


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandNotStarted, match="No such file"):
        unpack(str(tmp_path / "gone.tar"), str(tmp_path / "out"))
