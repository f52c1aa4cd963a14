"""Names of open files, such as ``/dev/fd/3``. Every process finds another file under such a name."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import lru_cache

STANDARD_INPUT = ("-", "/dev/stdin")
"""The names of standard input."""
DIFFERS = (
    "every process finds another file under such a name, and any worker may have to read the input again: name a file "
    "that has a path, or give it as standard input, with -"
)
"""The message for names under which each process finds another file."""
_OF_EACH_PROCESS = frozenset({"/dev/fd", "/proc/self", "/proc/thread-self"})
_MOST_LINKS = 40
"""The most symbolic links that Linux follows in one path."""


def differs_by_process(path: str) -> bool:
    """Return whether an absolute path leads each process to a file of its own, directly or by symbolic links."""
    folder, _, name = path.rstrip("/").rpartition("/")
    real = _real_folder(folder)
    return real is None or _followed(real, [name]) is None


def lasting_name(name: str) -> str:
    """Return the path of the file or folder that is open under a name here, for other processes.

    Return the name itself if all processes find the same file under it, if it means standard input, or if no path leads
    to what is open here (a pipe, a deleted file).
    """
    if name not in STANDARD_INPUT and differs_by_process(os.path.join(os.getcwd(), name)):
        with suppress(OSError):
            here, path = os.stat(name), os.path.realpath(name)
            is_readable_again = stat.S_ISREG(here.st_mode) or stat.S_ISDIR(here.st_mode)
            if is_readable_again and os.path.samestat(here, os.stat(path)):
                return path
    return name


@lru_cache(maxsize=1024)
def _real_folder(folder: str) -> str | None:
    return _followed("", folder.split("/")[::-1])


def _followed(folder: str, names: list[str]) -> str | None:
    """Follow symbolic links from a folder without links along ``names``, the last one first. Return the real path.

    Return None if the path leads through a folder that each process has for itself.
    """
    links = 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        if name == "..":
            folder = folder.rpartition("/")[0]
            continue
        path = f"{folder}/{name}"
        if path in _OF_EACH_PROCESS:
            return None
        try:
            target = os.readlink(path)
        except (OSError, ValueError):  # not a link, or nothing is there
            folder = path
            continue
        links += 1
        if links > _MOST_LINKS:
            return path
        if target.startswith("/"):
            folder = ""
        names += target.split("/")[::-1]
    return folder
