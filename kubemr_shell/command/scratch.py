"""The folder that an attempt runs in: made before it, with the job's files linked in, and removed after it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from kubemr_shell.command.space import watched_space
from kubemr_shell.errors import CommandNotStarted

_REMOVE = 'chmod -R u+rwx "$1"; rm -rf "$1"'
_NULL = subprocess.DEVNULL


class Scratch:
    """Makes the folders of one worker's attempts below ``root``, which must exist.

    ``files`` are linked into each by their names; ``archives`` are unpacked once and linked in as folders. Links
    keep the execute bit, cost one system call, and let a script find its neighbours by its real path.
    """

    def __init__(self, root: str, *, files: Mapping[str, str], archives: Mapping[str, str]) -> None:
        """Both map the name that a command sees to a local path."""
        self._root = os.path.abspath(root)
        for name in (*files, *archives):
            if "/" in name or name in (".", ".."):
                raise CommandNotStarted(f"files and archives: {name!r} must be a plain name, without folders")
        self._links = {name: os.path.abspath(path) for name, path in files.items()}
        for name, path in self._links.items():
            if not os.path.exists(path):
                raise CommandNotStarted(f"files: {name}: there is no {path}")
        if not archives:
            return
        from kubemr_shell.command.archives import unpack  # noqa: PLC0415 - tarfile and zipfile take 10 ms

        for name, path in archives.items():
            self._links[name] = os.path.join(self._root, "archives", name)
            with watched_space(f"the archive {path}"):
                unpack(path, self._links[name])

    @contextmanager
    def attempt(self, name: str) -> Iterator[str]:
        """The path of a new folder; it is gone afterwards, whatever the command has put there."""
        folder = os.path.join(self._root, name)
        with watched_space(f"the folder of an attempt, {folder}"):
            os.mkdir(folder)
        try:
            with watched_space(f"the folder of an attempt, {folder}"):
                for link, target in self._links.items():
                    os.symlink(target, os.path.join(folder, link))
            yield folder
        finally:
            self._remove(folder)

    def _remove(self, folder: str) -> None:
        for link in self._links:
            with suppress(OSError):
                os.unlink(os.path.join(folder, link))
        try:
            os.rmdir(folder)
        except OSError:
            _remove_tree(folder)


def _remove_tree(folder: str) -> None:
    """Remove what a command left. Folders that it forbade itself to read, or thousands deep, need the system's rm."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        with suppress(OSError):
            subprocess.run(
                ["/bin/sh", "-c", _REMOVE, "sh", folder], check=False, env={}, stdin=_NULL, stdout=_NULL, stderr=_NULL
            )
