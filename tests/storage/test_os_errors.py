import errno
import os

import pytest

from kubemr_shell.errors import Forbidden, KubemrError, ObjectNotFound, OutOfSpace, StorageError
from kubemr_shell.storage.os_errors import errors_explained, explained


@pytest.mark.parametrize(
    ("number", "expected", "words"),
    [
        (errno.ENOENT, ObjectNotFound, "/p/q: No such file or directory"),
        (errno.ENOTDIR, ObjectNotFound, "/p/q: Not a directory"),
        (errno.ENOSPC, OutOfSpace, "/p/q: No space left on device, 42 bytes were still to be written: make room"),
        (errno.EDQUOT, OutOfSpace, "/p/q: Disk quota exceeded, 42 bytes were still to be written: make room"),
        (errno.EACCES, Forbidden, "/p/q: Permission denied; running as user "),
        (errno.EPERM, Forbidden, "/p/q: Operation not permitted; running as user "),
        (errno.EROFS, Forbidden, "/p/q: Read-only file system; running as user "),
        (errno.EIO, StorageError, "/p/q: Input/output error"),
        (errno.EAGAIN, StorageError, "Resource temporarily unavailable: raise the limit of processes"),
        (errno.ENOMEM, StorageError, "Cannot allocate memory: raise the limit of processes"),
        (errno.EMFILE, StorageError, "Too many open files: raise the limit"),
    ],
)
def test_an_error_of_the_system_says_where_and_what(number: int, expected: type[KubemrError], words: str) -> None:
    error = explained(OSError(number, ""), "/p/q", 42)
    assert type(error) is expected
    assert str(error).startswith(words)


def test_an_error_of_a_write_gets_the_path() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OutOfSpace, match="/p/q: No space left on device: make room"), errors_explained("/p/q"):
            os.write(full, b"x")
    finally:
        os.close(full)


def test_an_error_without_a_number_keeps_its_words() -> None:
    assert str(explained(OSError("odd"), "/p/q")) == "/p/q: odd"
