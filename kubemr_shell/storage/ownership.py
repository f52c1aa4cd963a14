"""Locks that show which processes of this machine are alive. A lock ends with its process, however the process ends.

The system may give a pid to another process, and a file with the text "locked" outlives its writer. A ``flock`` has
neither problem. The descriptor is closed on exec, so no command of a user inherits the lock. The content of the locked
file has no meaning, and the file is never removed here.
"""

from __future__ import annotations

import fcntl
import os

from kubemr_shell.storage.os_errors import explained


class Ownership:
    """A lock that is held until ``release``, or until this process ends."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock. A second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def hold(path: str) -> Ownership | None:
    """Take the lock without waiting. Return None if another process has the lock.

    Raise ObjectNotFound if the folder of the file is missing.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        except OSError as error:
            raise explained(error, path) from error
        ownership = Ownership(path, descriptor)
        try:
            locked = _lock(descriptor)
            found = _is_still(path, descriptor)
        except OSError as error:
            ownership.release()
            raise explained(error, path) from error
        if locked and found:
            return ownership
        ownership.release()
        if found:
            return None
        # The file was removed meanwhile. A lock on a file that other processes cannot find proves nothing: try again.


def is_held(path: str) -> bool:
    """Return whether a living process holds the lock. The test does not prevent another process from taking it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise explained(error, path) from error
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Take the exclusive lock and return True. Return False if another process holds the exclusive lock.

    A shared lock belongs to a process in ``is_held``. In this case, the exclusive lock is tried again.
    """
    while not _try(descriptor, fcntl.LOCK_EX):
        if not _try(descriptor, fcntl.LOCK_SH):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
