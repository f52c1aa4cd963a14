"""The folder that an attempt runs in: made before it, with the job's files linked in, and removed after it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from kubemr_shell.command.archives import unpack
from kubemr_shell.command.space import watched_space
from kubemr_shell.errors import CommandNotStarted


class Scratch:
    """Makes the folders of one worker's attempts below ``root``, which must exist.

    ``files`` are linked into each by their names; ``archives`` are unpacked once and linked in as folders. Links
    keep the execute bit, cost one system call, and let a script find its neighbours by its real path.
    """

    def __init__(self, root: str, *, files: Mapping[str, str], archives: Mapping[str, str]) -> None:
        """Both map the name that a command sees to a local path."""
        self._root = os.path.abspath(root)
        self._links = {name: os.path.abspath(path) for name, path in files.items()}
        for name, path in self._links.items():
            if not os.path.exists(path):
                raise CommandNotStarted(f"files: {name}: there is no {path}")
        for name, path in archives.items():
            self._links[name] = os.path.join(self._root, "archives", name)
            with watched_space(f"the archive {path}"):
                unpack(path, self._links[name])

    @contextmanager
    def attempt(self, name: str) -> Iterator[str]:
        """The path of a new folder; it is gone afterwards, whatever the command has put there."""
        folder = os.path.join(self._root, name)
        with watched_space(f"the folder of attempt {name}"):
            os.mkdir(folder)
        try:
            with watched_space(f"the folder of attempt {name}"):
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
    """Remove all that can be removed, folders too that the command forbade itself to read."""
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        return
    with suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)
    for parent, names, _ in os.walk(folder):
        for path in (os.path.join(parent, name) for name in names):
            if not os.path.islink(path):
                with suppress(OSError):
                    os.chmod(path, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
