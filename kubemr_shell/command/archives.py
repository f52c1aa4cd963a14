"""Unpacks the archives of a job: tar files with any compression, and zip files.

No member of an archive is written outside of the target folder. This module checks the members itself, because the
extraction filter of ``tarfile`` needs Python 3.11.4, and Debian 12 has Python 3.11.2.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import dropwhile
from typing import IO

import zstandard

from kubemr_shell.errors import CommandNotStarted, OutOfSpace
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.tar_stream import watched

# zipfile raises RuntimeError for a file with a password, or with a compression that it does not know.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member of an archive: a file (has ``read``), a link (``target``), a hard link (``same_as``) or a folder."""

    name: str
    is_executable: bool = False
    read: Callable[[], IO[bytes] | None] | None = None
    target: str | None = None
    same_as: str | None = None


def unpack(path: str, folder: str) -> None:
    """Unpack an archive into a new folder.

    Raise CommandNotStarted if ``path`` is no archive, is damaged, or has a member that leads out of the folder.
    """
    os.makedirs(folder)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("it is not a regular file")  # reading a pipe could wait for ever
        opened = _open_zip if _is_zip(path) else _open_tar
        with opened(path) as members:
            for member in members:
                _place(member, folder)
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and OutOfSpace.is_cause(error):
            raise explained(error, folder) from error
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise CommandNotStarted(f"archives: {path} cannot be unpacked: {reason}") from error


def _is_zip(path: str) -> bool:
    """Return whether a file is a zip archive, by its first bytes or its name. A job may give the file another name."""
    with open(path, "rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06") or path.endswith(".zip")


def _place(member: _Member, folder: str) -> None:
    path = _inside(folder, folder, member.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.isdir(path) or os.path.islink(path):
        with suppress(FileNotFoundError):  # an archive may hold a name twice; the last one counts
            os.unlink(path)
    if member.target is not None:
        _check_target(folder, os.path.dirname(path), member.target)
        os.symlink(member.target, path)
    elif member.same_as is not None:
        os.link(_inside(folder, folder, member.same_as), path)
    elif member.read is not None:
        _write(member, path)
    else:
        os.makedirs(path, exist_ok=True)


def _write(member: _Member, path: str) -> None:
    assert member.read is not None
    source = member.read()
    if source is None:
        raise ValueError(f"the member {member.name} has no content")
    with source, open(path, "xb") as file:
        shutil.copyfileobj(source, file)
    os.chmod(path, 0o755 if member.is_executable else 0o644)


def _inside(folder: str, start: str, name: str) -> str:
    """Return the path that ``name`` leads to from ``start``. All links but the last are followed.

    Raise ValueError if the path is not below ``folder``.
    """
    whole = os.path.normpath(os.path.join(start, name))
    path = os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))
    root = os.path.realpath(folder)
    if name.startswith("/") or (path != root and not path.startswith(root + "/")):
        raise ValueError(f"the member {name} leads out of the archive")
    return path


def _check_target(folder: str, start: str, target: str) -> None:
    """Raise ValueError if a link to ``target`` may lead out of the folder.

    ``..`` is safe only at the beginning. A name before ``..`` may become a link later, and then lead elsewhere.
    """
    _inside(folder, start, target)
    parts = (part for part in target.split("/") if part not in ("", "."))
    if ".." in dropwhile("..".__eq__, parts):
        raise ValueError(f"the link to {target} has .. after a folder name, and may lead out of the archive")


@contextmanager
def _open_tar(path: str) -> Iterator[Iterator[_Member]]:
    if not path.endswith((".zst", ".tzst")):
        with tarfile.open(path) as archive:
            yield _tar_members(archive)
        return
    try:
        with zstandard.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            yield _tar_members(archive)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    stream = watched(archive)
    for info in archive:
        if info.isfile():
            yield _Member(
                name=info.name,
                is_executable=bool(info.mode & stat.S_IXUSR),
                read=lambda info=info: archive.extractfile(info),  # type: ignore[misc]
            )
        elif info.issym():
            yield _Member(name=info.name, target=info.linkname)
        elif info.islnk():
            yield _Member(name=info.name, same_as=info.linkname)
        elif info.isdir():
            yield _Member(name=info.name)
        else:
            raise ValueError(f"the member {info.name} is not a file, a link or a folder")
    stream.check_end()


@contextmanager
def _open_zip(path: str) -> Iterator[Iterator[_Member]]:
    with zipfile.ZipFile(path) as archive:
        yield _zip_members(archive)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.is_dir():
            yield _Member(name=info.filename)
        elif stat.S_ISLNK(mode):
            yield _Member(name=info.filename, target=os.fsdecode(archive.read(info)))
        else:
            yield _Member(
                name=info.filename,
                is_executable=bool(mode & stat.S_IXUSR),
                read=lambda info=info: archive.open(info),  # type: ignore[misc]
            )
