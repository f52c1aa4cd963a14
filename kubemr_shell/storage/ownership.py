"""Who is alive on this machine: a lock on a file, which ends with the process that holds it, however it ends.

A pid can be given to another process, and a file that says "locked" outlives its writer; a ``flock`` does neither. The
descriptor is closed on exec, so no command of a user inherits the lock. The file itself means nothing and stays.
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
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def hold(path: str) -> Ownership | None:
    """Take the lock without waiting; None when another has it. A missing folder is ObjectNotFound."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
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
        # The file was removed meanwhile; a lock on what nobody else can find says nothing.


def is_held(path: str) -> bool:
    """Whether a living process holds the lock. Asking does not disturb one who takes it at the same moment."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise explained(error, path) from error
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """A shared lock belongs to somebody who only asks: then the exclusive one is tried again."""
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
