"""Makes the folder in which an attempt runs, with links to the files of the job, and removes it afterwards."""

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
"""The seconds of an attempt after which its folder is not kept for the next attempt."""
MOST_STARTED = 32
"""The most new processes that are inspected before a folder is kept. If there are more, the folder is removed."""


class Scratch:
    """The folders of one worker's attempts below ``root``, which must exist.

    Every folder has a link to each of ``files``. ``archives`` are unpacked once, and every folder has a link to each
    unpacked folder. A link keeps the execute bit, costs one system call, and lets a script find the files beside it
    by its real path.
    """

    ARCHIVES = "archives"
    """The name of the folder below ``root`` in which archives are unpacked."""

    def __init__(
        self,
        root: str,
        *,
        files: Mapping[str, str],
        archives: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the files and unpack the archives. ``files`` and ``archives`` map names in the folder to local paths.

        Raise CommandNotStarted if a name is not plain, a file is missing, or an archive cannot be unpacked.
        """
        self._root = os.path.abspath(root)
        self._clock = clock
        self._kept: list[str] = []
        """The paths of the folders that the next attempts can use."""
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
        """The fingerprint of each file at the start, by its path."""
        if not archives:
            return
        from kubemr_shell.command.archives import unpack

        for name, path in archives.items():
            self._links[name] = os.path.join(self._root, self.ARCHIVES, name)
            with watched_space(f"the archive {path}"):
                unpack(path, self._links[name])

    def changed_file(self) -> str | None:
        """Return the path of a file that has changed since this object was made, or None.

        Archives are not checked: the attempts use unpacked copies.
        """
        for path, stamp in self._stamps.items():
            try:
                if fingerprint(os.stat(path)) != stamp:
                    return path
            except OSError:
                return path
        return None

    @contextmanager
    def attempt(self, name: str) -> Iterator[str]:
        """Provide a folder that has only the links, and remove the folder afterwards with everything in it.

        If an attempt succeeds and leaves the folder unchanged, the next attempt gets the same folder under another
        name. To make and remove a folder can take longer than a short task: ext4 searches all inodes that were freed
        in the last minutes. A folder is kept only if no process of the earlier attempt can be left in it.
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
        if self._is_as_made(folder) and self._is_unused(folder, newest, self._clock() - began):
            self._keep(folder)
        else:
            self._remove(folder)

    def _provide(self, folder: str) -> None:
        with suppress(IndexError, OSError):  # a command may have changed or removed the kept folder
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

    def _is_unused(self, folder: str, newest: int | None, seconds: float) -> bool:
        """Return whether no process that was started during the attempt can still be in the folder.

        ``newest`` is the newest process id before the attempt; only processes with higher ids are inspected. Return
        False after a long attempt: process ids may have started again from the lowest, and a long attempt gains
        nothing from a kept folder.
        """
        now = processes.newest()
        if newest is None or now is None or not newest <= now <= newest + MOST_STARTED or seconds > MOST_SECONDS:
            return False
        try:
            place = os.stat(folder)
        except OSError:
            return False
        others = (
            set(range(newest + 1, now + 1)) - processes.OUR_COMMANDS
        )  # the commands of other slots run in other folders
        return not any(processes.may_be_in(process_id, place) for process_id in others)

    def _keep(self, folder: str) -> None:
        kept = os.path.join(self._root, f".kept-{next(self._numbers)}")
        try:
            os.rename(folder, kept)
        except OSError:
            self._remove(folder)
        else:
            self._kept.append(kept)

    def _remove(self, folder: str) -> None:
        if os.path.islink(folder):  # a command replaced the folder: do not remove the target of the link
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
    """Run a block that needs an attempt's folder. If the folder is missing, raise the error of ``check_folder``."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        check_folder(folder)
        raise


def check_folder(folder: str) -> None:
    """Raise FolderRemoved if the folder of the worker is gone, CommandError if only the folder of the attempt is gone.

    In the second case another attempt may succeed, because it gets a folder of its own.
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
    """Remove a folder with all files. Unreadable folders, and folders thousands deep, need the program ``rm``."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        with suppress(OSError):
            subprocess.run(
                ["/bin/sh", "-c", _REMOVE, "sh", folder], check=False, env={}, stdin=_NULL, stdout=_NULL, stderr=_NULL
            )
