"""A storage in files and folders.

A whole object is written to a hidden file and renamed. An output is staged as a file of its own and renamed when it
is published, so both names are on one file system. A killed process loses nothing, because the kernel has the bytes.

A power cut may lose bytes that were written shortly before, even if the size of the file survives. Files that can be
made again are not synced, because a sync costs about 3 ms an object. Instead, ``publish`` and the readers of all other
files of a job detect damage by a checksum. Published parts cannot be made again, so ``settle`` syncs parts before they
get their final names.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from kubemr_shell.errors import OutOfSpace, StorageError
from kubemr_shell.storage.interface import ObjectInfo, Receipt, StagedOutput, Storage
from kubemr_shell.storage.local_publish import publish_file, scan
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.storage.regular_file import open_regular
from kubemr_shell.storage.seals import seal_of
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

_FILE_SCHEME = "file://"
_HIDDEN = ".kubemr-"
ASIDE = f"{_HIDDEN}deleted-"
"""The beginning of the name of a folder that is being removed. The original name of the folder follows."""
_READ_BYTES = 1 << 20
_SYNCS_AT_ONCE = 16
"""The number of files that are synced at once. A file system groups the syncs of several threads into one write.

1,000 small files take 0.2 s in this way, and 3 s one by one.
"""


def path_of(uri: str) -> str:
    """Return the path that a ``file://`` URI or a plain path names. Raise StorageError if there is no such path."""
    has_scheme = uri.lower().startswith(_FILE_SCHEME)
    path = uri[len(_FILE_SCHEME) :] if has_scheme else uri
    if has_scheme and not path.startswith("/"):
        raise StorageError(f"{uri}: a file:// URI has an absolute path after file://, and no host")
    if "\0" in path or not path:
        raise StorageError(f"{uri!r} is not the name of a file")
    return path


class LocalStorage(Storage):
    """A storage in folders. An instance has no state, so threads may share one, and each call may make a new one."""

    def __init__(self, *, is_lasting: bool = True) -> None:
        """Make a storage. With ``is_lasting``, published outputs must survive a power cut, so ``settle`` syncs."""
        self._is_lasting = is_lasting

    def read(self, uri: str) -> bytes:
        path = path_of(uri)
        try:
            with open(open_regular(path), "rb", buffering=0) as file:
                return file.readall()
        except OSError as error:
            raise explained(error, path) from error

    def read_range(self, uri: str, start: int, end: int) -> bytes:
        path = path_of(uri)
        pieces = []
        try:
            with open(open_regular(path), "rb", buffering=0) as file:
                while start < end and (piece := os.pread(file.fileno(), min(_READ_BYTES, end - start), start)):
                    pieces.append(piece)
                    start += len(piece)
        except OSError as error:
            raise explained(error, path) from error
        return b"".join(pieces)

    def write(self, uri: str, data: bytes | bytearray) -> None:
        path = path_of(uri)
        # The hidden name does not contain the name of the object: that name may already have the maximum length.
        hidden = os.path.join(os.path.dirname(path), f"{_HIDDEN}{os.urandom(12).hex()}")
        try:
            descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise explained(error, path, len(data)) from error
        try:
            try:
                write_all(descriptor, data, path)
            finally:
                os.close(descriptor)
            os.rename(hidden, path)
        except BaseException as error:
            _unlink(hidden)
            if isinstance(error, OSError):
                raise explained(error, path, len(data)) from error
            raise

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        path = path_of(prefix)
        scheme = prefix[: len(prefix) - len(path)]
        folder, slash, start = path.rpartition("/")
        try:
            found = [*_files(folder + slash, start)]
        except OSError as error:
            raise explained(error, error.filename or path) from error
        for name, status in sorted(found, key=lambda item: os.fsencode(item[0])):
            yield ObjectInfo(uri=scheme + name, size=status.st_size, fingerprint=fingerprint(status))

    def delete(self, uri: str) -> None:
        _unlink(path_of(uri))

    def make_folder(self, uri: str) -> None:
        path = path_of(uri)
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            reason = explained(error, path)
            if isinstance(reason, OutOfSpace):
                raise reason from error
            raise type(reason)(f"{reason}: choose a place where a folder can be made") from error

    def delete_tree(self, folder: str) -> None:
        """Move the folder aside, then remove it. A worker that wakes up after the move finds no folder to write to.

        The name of the moved folder is derived from the name of the folder. So a repeated call after a crash finds the
        moved folder and removes it.
        """
        path = path_of(folder).rstrip("/")
        parent, name = os.path.split(path)
        aside = os.path.join(parent, f"{ASIDE}{name}")
        if os.path.islink(path) or os.path.isfile(path):
            raise StorageError(f"{path}: not removed, because it is not a folder")
        for _ in range(100):
            if not os.path.lexists(path) and not os.path.lexists(aside):
                return
            _remove_tree(path, aside)
        raise StorageError(f"{path}: not removed, because other processes have files open in it")

    def stage(self, staged: str, *, target: str, scratch: str | None = None) -> StagedOutput:  # noqa: ARG002
        path = path_of(staged)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            try:
                descriptor = os.open(path, flags, 0o666)
            except FileExistsError:
                # A worker that lost the claim has left this file, and may still write. Its file then has no name.
                os.unlink(path)
                descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            raise explained(error, path) from error
        return _StagedFile(descriptor, staged, target)

    def publish(self, receipt: Receipt, *, replace: bool = False) -> None:
        publish_file(receipt, path_of(receipt.staged), path_of(receipt.target), replace=replace)

    def settle(self, uris: Iterable[str]) -> None:
        paths = [path_of(uri) for uri in uris] if self._is_lasting else []
        if len(paths) == 1:
            _sync(paths[0])
            return
        in_threads(lambda path, _: _sync(path), paths, at_once=_SYNCS_AT_ONCE, waiter=Waiter(NOBODY))

    def abandon(self, staged: str) -> None:
        _unlink(path_of(staged))


class _StagedFile(StagedOutput):
    def __init__(self, descriptor: int, staged: str, target: str) -> None:
        self._descriptor = descriptor
        self._staged = staged
        self._target = target

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: bytes | bytearray) -> None:
        write_all(self._descriptor, data, self._staged)

    def seal(self) -> Receipt:
        try:
            status = os.fstat(self._descriptor)
            crc32, newlines = scan(self._descriptor, status.st_size)
        except OSError as error:
            raise explained(error, self._staged) from error
        self._close()
        return Receipt(
            staged=self._staged,
            target=self._target,
            bytes=status.st_size,
            crc32=crc32,
            records=newlines,
            seal=seal_of(status),
        )

    def abandon(self) -> None:
        self._close()
        _unlink(path_of(self._staged))

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_all(descriptor: int, data: bytes | bytearray | memoryview, path: str) -> None:
    """Write all of ``data``. An error names the path and the number of bytes that are not written yet."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except OSError as error:
            raise explained(error, path, len(view)) from error


def fingerprint(status: os.stat_result) -> str:
    """Return a text that changes with each write to a file, if the file system's times have a sufficient resolution."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _files(folder: str, start: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files below ``folder`` whose relative path begins with ``start``.

    Unfinished files have hidden names, so they are left out.
    """
    try:
        entries = os.scandir(folder or ".")
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            if not entry.name.startswith(start) or entry.name.startswith(_HIDDEN):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(f"{folder}{entry.name}/", "")
                continue
            with suppress(FileNotFoundError):  # the file was removed meanwhile, or the link is broken
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    yield folder + entry.name, status


def _remove_tree(path: str, aside: str) -> None:
    """Try once to move ``path`` to ``aside`` and to remove ``aside``."""
    with _others_may_act(path):
        os.rename(path, aside)
    with _others_may_act(aside):
        shutil.rmtree(aside, onerror=_with_its_path)


def _with_its_path(_: object, path: str, raised: tuple[type[BaseException], BaseException, object]) -> None:
    """Raise an error of ``rmtree`` with the whole path. ``rmtree`` itself gives only a name within a folder."""
    error = raised[1]
    if isinstance(error, OSError):
        error.filename = path
    raise error


@contextmanager
def _others_may_act(path: str) -> Iterator[None]:
    """Suppress errors that occur when another process removes the same folder or ends a write in it.

    The caller then looks again.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise explained(error, error.filename or path) from error


def _sync(path: str) -> None:
    """Write a file, or the names in a folder, to the disk. Do nothing if the path does not exist."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise explained(error, path) from error
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # these two: the file system does not support fsync
            raise explained(error, path) from error
    finally:
        os.close(descriptor)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise explained(error, path) from error
