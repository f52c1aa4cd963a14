"""Explains errors from limits of the machine or of the container, which any command may meet."""

from __future__ import annotations

import errno

from kubemr_shell.errors import KubemrError

MACHINE_ERRORS = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP),
    }
)
"""The error numbers that come from the system, not from a bug in this program."""


def machine_error(error: Exception) -> KubemrError | None:
    """Return an error that says what the machine has refused, and what to do. Return None for a bug."""
    if isinstance(error, OSError):
        return _explained(error) if error.errno in MACHINE_ERRORS else None
    if isinstance(error, MemoryError):
        return KubemrError(
            "there is no memory left: give a smaller --memory or fewer --slots, or raise the limit "
            "(ulimit -v; memory of a container)"
        )
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return KubemrError(
            "the system starts no more threads: raise the limit of processes (ulimit -u; pids of a container) or of "
            "memory, or give fewer --slots"
        )
    return None


def _explained(error: OSError) -> KubemrError:
    from kubemr_shell.storage.os_errors import explained

    return explained(error, str(error.filename or "a file"))
