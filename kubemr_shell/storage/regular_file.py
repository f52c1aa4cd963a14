"""Opens files that other programs may have replaced by a pipe, a socket or a device."""

from __future__ import annotations

import errno
import os
import stat


def open_regular(path: str) -> int:
    """Open a regular file to read it, and return the descriptor.

    Raise OSError if the path leads to no regular file. With O_NONBLOCK, the open does not wait for a writer of a pipe.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(_in_the_way("a socket or a device")) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(_in_the_way("a pipe" if stat.S_ISFIFO(mode) else "a device"))


def _in_the_way(kind: str) -> str:
    return f"{kind} stands where a file belongs: move it away"
