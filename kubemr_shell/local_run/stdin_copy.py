"""Copies standard input to a file, because a task, or another process, may have to read it twice."""

from __future__ import annotations

import os

from kubemr_shell.storage.local import LocalStorage, write_all
from kubemr_shell.streams import READ_BYTES, STDIN, read_some


def copy_stdin(path: str, *, is_lasting: bool) -> None:
    """Copy all of standard input to ``path``, unless the copy exists, as in a resumed job.

    A copy that was cut short begins again. With ``is_lasting``, the copy survives a power cut: for a job that is
    resumed, nobody can make it again.
    """
    if os.path.exists(path):
        return
    partial = f"{path}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        while data := read_some(STDIN, READ_BYTES):
            write_all(descriptor, data, partial)
    finally:
        os.close(descriptor)
    storage = LocalStorage(is_lasting=is_lasting)
    storage.settle([partial])
    os.rename(partial, path)
    storage.settle([os.path.dirname(path)])
