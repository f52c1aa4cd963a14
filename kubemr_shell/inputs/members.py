"""Reads the members of tar and zip archives among the inputs, in the order of the archive."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.compression import Content
from kubemr_shell.inputs.key_pattern import is_visible
from kubemr_shell.shown import shown
from kubemr_shell.storage.os_errors import errors_explained
from kubemr_shell.tar_stream import watched

READ_BYTES = 256 << 10
"""The bytes of a member that are read at once."""
_ADVICE = "get a correct copy of the archive"
_TAR_DAMAGE = (tarfile.TarError, ValueError)
_LZMA_DAMAGE: tuple[type[Exception], ...] = ()
with suppress(ImportError):  # a Python may lack lzma, and then zipfile does without
    import lzma

    _LZMA_DAMAGE = (lzma.LZMAError,)
# zipfile raises RuntimeError for a member with a password, and NotImplementedError for an unknown compression.
# bz2 raises OSError for damaged data.
_ZIP_DAMAGE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    *_LZMA_DAMAGE,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OSError,
)


def members_of(content: Content, name: str, scratch: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name and the bytes of each regular file in an archive. Read the bytes before the next member.

    ``scratch`` is a folder for temporary files. Raise InputError, which names the archive ``name`` or the member.
    """
    return _tar_members(content.chunks, name) if content.kind == "tar" else _zip_members(content.chunks, name, scratch)


def _tar_members(chunks: Iterator[bytes], name: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    with _damage_of(name, *_TAR_DAMAGE):
        archive = tarfile.open(fileobj=_Reader(chunks), mode="r|")  # noqa: SIM115 - closed below
    with archive:
        stream = watched(archive)
        while True:
            with _damage_of(name, *_TAR_DAMAGE):
                info = archive.next()
            archive.members.clear()  # type: ignore[attr-defined]  # an archive may have a million members
            if info is None:
                break
            member = info.name.removeprefix("./")
            if info.islnk() and is_visible(member):
                raise InputError(
                    f"{shown(f'{name}/{member}')}: is a hard link to {shown(info.linkname)}, whose bytes have passed: "
                    "unpack the archive, and name the unpacked folder as the input"
                )
            if info.isreg() and is_visible(member):
                yield member, _tar_data(archive, info, f"{name}/{member}")
        with _damage_of(name, *_TAR_DAMAGE):
            if not stream.check_end():
                raise ValueError("other bytes follow the end of the archive")


def _tar_data(archive: tarfile.TarFile, info: tarfile.TarInfo, name: str) -> Iterator[bytes]:
    with _damage_of(name, *_TAR_DAMAGE):
        file = archive.extractfile(info)
        assert file is not None
    while True:
        with _damage_of(name, *_TAR_DAMAGE):
            data = file.read(READ_BYTES)
        if not data:
            return
        yield data


def _zip_members(chunks: Iterator[bytes], name: str, scratch: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    with tempfile.TemporaryFile(dir=scratch) as file:
        for chunk in chunks:
            with errors_explained(scratch):
                file.write(chunk)
        with errors_explained(scratch):
            file.flush()
        with _damage_of(name, *_ZIP_DAMAGE):
            archive = zipfile.ZipFile(file)
        with archive:
            infos = archive.infolist()
            if min((info.header_offset for info in infos), default=0):
                raise CorruptInput(
                    f"{shown(name)}: byte 0: the first bytes do not belong to the archive that ends the file: {_ADVICE}"
                )
            for info in infos:
                member = info.filename.removeprefix("./")
                if info.is_dir() or not is_visible(member) or _is_link(info):
                    continue
                if info.flag_bits & 1:
                    raise InputError(
                        f"{shown(f'{name}/{member}')}: is encrypted: unpack the archive with its password first"
                    )
                yield member, _zip_data(archive, info, f"{name}/{member}")


def _zip_data(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    with _damage_of(name, *_ZIP_DAMAGE):
        file = archive.open(info)
    with file:
        while True:
            with _damage_of(name, *_ZIP_DAMAGE):
                data = file.read(READ_BYTES)
            if not data:
                return
            yield data


def _is_link(info: zipfile.ZipInfo) -> bool:
    return (info.external_attr >> 16) & 0o170000 == 0o120000


@contextmanager
def _damage_of(name: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn errors of these kinds into CorruptInput, which names the archive or the member.

    An OSError of the system has a number, and is not damage of the archive.
    """
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CorruptInput(f"{shown(name)}: the archive is damaged here ({error}): {_ADVICE}") from error


class _Reader(io.RawIOBase):
    """A file whose bytes are read once, in order."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return exactly ``size`` bytes, or fewer at the end."""
        pieces: list[bytes | memoryview] = []
        while size > 0:
            if not self._left:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._left = memoryview(chunk)
            pieces.append(self._left[:size])
            size -= len(pieces[-1])
            self._left = self._left[len(pieces[-1]) :]
        return b"".join(pieces)
