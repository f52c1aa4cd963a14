"""The folder that an attempt runs in: made before it, with the job's files linked in, and removed after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count

from kubemr_shell.command import processes
from kubemr_shell.command.space import watched_space
from kubemr_shell.errors import CommandError, CommandNotStarted, FolderRemoved, Sequel
from kubemr_shell.storage.local import fingerprint

_REMOVE = 'chmod -R u+rwx "$1"; rm -rf "$1"'
_NULL = subprocess.DEVNULL
MOST_SECONDS = 1.0
"""The duration of an attempt after which its folder is not kept."""
MOST_STARTED = 32
"""The number of processes that are looked at for a folder to be kept."""


class Scratch:
    """Makes the folders of one worker's attempts below ``root``, which must exist.

    ``files`` are linked into each by their names; ``archives`` are unpacked once and linked in as folders. Links
    keep the execute bit, cost one system call, and let a script find its neighbours by its real path.
    """

    ARCHIVES = "archives"
    """The folder below ``root`` in which archives are unpacked."""

    def __init__(
        self,
        root: str,
        *,
        files: Mapping[str, str],
        archives: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Both map the name that a command sees to a local path."""
        self._root = os.path.abspath(root)
        self._clock = clock
        self._kept: list[str] = []
        """Folders that can be used again."""
        self._numbers = count()
        self._mode = 0
        for name in (*files, *archives):
            if "/" in name or name in (".", ".."):
                raise CommandNotStarted(f"files and archives: {name!r} must be a plain name, without folders")
        self._links = {name: os.path.abspath(path) for name, path in files.items()}
        for name, path in self._links.items():
            if not os.path.exists(path):
                raise CommandNotStarted(f"files: {name}: there is no {path}")
        self._stamps = {path: fingerprint(os.stat(path)) for path in self._links.values()}
        """The files as they were, by their paths."""
        if not archives:
            return
        from kubemr_shell.command.archives import unpack  # noqa: PLC0415 - tarfile and zipfile take 10 ms

        for name, path in archives.items():
            self._links[name] = os.path.join(self._root, self.ARCHIVES, name)
            with watched_space(f"the archive {path}"):
                unpack(path, self._links[name])

    def changed_file(self) -> str | None:
        """Return the path of a file that is not what it was when this was made, or None. Archives are our copies."""
        for path, stamp in self._stamps.items():
            try:
                if fingerprint(os.stat(path)) != stamp:
                    return path
            except OSError:
                return path
        return None

    @contextmanager
    def attempt(self, name: str) -> Iterator[str]:
        """The path of a folder with nothing but the links in it; it is gone afterwards, whatever a command left there.

        A folder that a good attempt left as it was is the next one's, under another name: a file system that makes and
        removes a folder for every short task spends more on that than the task does (ext4 looks through all inodes
        that were freed in the last minutes). No process of the earlier attempt may be left in such a folder.
        """
        folder = os.path.join(self._root, name)
        began, newest = self._clock(), processes.newest()
        with watched_space(f"the folder of an attempt, {folder}"), folder_needed(folder):
            self._provide(folder)
        try:
            yield folder
        except BaseException:
            self._remove(folder)
            raise
        if self._is_as_made(folder) and self._is_left(folder, newest, self._clock() - began):
            self._keep(folder)
        else:
            self._remove(folder)

    def _provide(self, folder: str) -> None:
        with suppress(IndexError, OSError):  # a command may have done anything to it since
            os.rename(self._kept.pop(), folder)
            if self._is_as_made(folder):
                return
            self._remove(folder)
        with suppress(FileExistsError):
            self._make(folder)
            return
        self._remove(folder)
        self._make(folder)

    def _make(self, folder: str) -> None:
        os.mkdir(folder)
        try:
            self._mode = os.stat(folder).st_mode
            for link, target in self._links.items():
                os.symlink(target, os.path.join(folder, link))
        except BaseException:
            self._remove(folder)
            raise

    def _is_as_made(self, folder: str) -> bool:
        try:
            return (
                os.lstat(folder).st_mode == self._mode
                and os.access(folder, os.W_OK | os.X_OK)
                and {name: os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)} == self._links
            )
        except OSError:
            return False

    def _is_left(self, folder: str, newest: int | None, seconds: float) -> bool:
        """Return whether nothing that was started in these last seconds can still be in the folder.

        Only the processes with an id above ``newest`` are looked at. After a while ids may have begun anew, and a long
        attempt gains nothing by a kept folder.
        """
        now = processes.newest()
        if newest is None or now is None or not newest <= now <= newest + MOST_STARTED or seconds > MOST_SECONDS:
            return False
        try:
            place = os.stat(folder)
        except OSError:
            return False
        return not any(processes.may_be_in(one, place) for one in range(newest + 1, now + 1))

    def _keep(self, folder: str) -> None:
        kept = os.path.join(self._root, f".kept-{next(self._numbers)}")
        try:
            os.rename(folder, kept)
        except OSError:
            self._remove(folder)
        else:
            self._kept.append(kept)

    def _remove(self, folder: str) -> None:
        if os.path.islink(folder):  # nothing behind a link that a command put in its place is ours to remove
            with suppress(OSError):
                os.unlink(folder)
            return
        for link in self._links:
            with suppress(OSError):
                os.unlink(os.path.join(folder, link))
        try:
            os.rmdir(folder)
        except OSError:
            _remove_tree(folder)


@contextmanager
def folder_needed(folder: str) -> Iterator[None]:
    """Turn the error of a block that does not find an attempt's folder into the error of ``check_folder``."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        check_folder(folder)
        raise


def check_folder(folder: str) -> None:
    """Raise FolderRemoved if the folder of the worker is gone, and CommandError if only the attempt's is.

    In the second case another attempt has a folder of its own, and may succeed.
    """
    root = os.path.dirname(folder)
    if not os.path.isdir(root):
        raise FolderRemoved(root, sequel=Sequel.GOES_ON)
    if not os.path.isdir(folder):
        raise CommandError(
            f"the folder of the attempt was removed before its command was started: {folder}: "
            "see whether a command of the job removes files outside of its own folder"
        )


def _remove_tree(folder: str) -> None:
    """Remove what a command left. Folders that it forbade itself to read, or thousands deep, need the system's rm."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        with suppress(OSError):
            subprocess.run(
                ["/bin/sh", "-c", _REMOVE, "sh", folder], check=False, env={}, stdin=_NULL, stdout=_NULL, stderr=_NULL
            )
