"""Translation of the operating system's errors about a path into errors of kubemr-shell."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.errors import Forbidden, KubemrError, ObjectNotFound, OutOfSpace, StorageError


@contextmanager
def errors_explained(path: str) -> Iterator[None]:
    """Raise the explained error for an OSError of the block, which works with ``path`` alone.

    The OSError of a write has no path, and a message that names no path helps nobody.
    """
    try:
        yield
    except OSError as error:
        raise explained(error, path) from error


def explained(error: OSError, path: str, unwritten: int | None = None) -> KubemrError:
    """Return the error to raise from ``error``. ``unwritten`` is the number of bytes that are not written yet."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if OutOfSpace.is_cause(error):
        rest = "" if unwritten is None else f", {unwritten} bytes were still to be written"
        return OutOfSpace(f"{path}: {reason}{rest}: make room")
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return ObjectNotFound(f"{path}: {reason}")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Forbidden(f"{path}: {reason}; running as user {os.geteuid()}")
        case errno.EFBIG:
            return StorageError(f"{path}: {reason}: raise the limit on the size of files (ulimit -f)")
        case errno.EMFILE:  # the path is not the cause, so the message does not name it
            return StorageError(f"{reason}: raise the limit (ulimit -n), or give fewer --slots")
        case errno.EAGAIN | errno.ENOMEM:  # the path is not the cause: the system refused to start a process
            return StorageError(
                f"{reason}: raise the limit of processes (ulimit -u; pids of a container) or of memory, or give fewer "
                "--slots"
            )
        case _:
            return StorageError(f"{path}: {reason}")
