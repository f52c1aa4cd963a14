"""Names of open files, such as ``/dev/fd/3``. Every process finds another file under such a name."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

_OF_EACH_PROCESS = ("/dev/fd/", "/proc/self/", "/proc/thread-self/")


def differs_by_process(path: str) -> bool:
    """Return whether an absolute path leads each process to a file of its own."""
    return path.startswith(_OF_EACH_PROCESS)


def lasting_name(name: str) -> str:
    """Return the path of the file or folder that is open under a name here, for other processes.

    Return the name itself if all processes find the same file under it, or if no path leads to what is open here (a
    pipe, a deleted file).
    """
    if differs_by_process(name):
        with suppress(OSError):
            here, path = os.stat(name), os.path.realpath(name)
            is_readable_again = stat.S_ISREG(here.st_mode) or stat.S_ISDIR(here.st_mode)
            if is_readable_again and os.path.samestat(here, os.stat(path)):
                return path
    return name
