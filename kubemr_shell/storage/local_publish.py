"""Publishing of a staged file by one rename, and the detection of files that are published already."""

from __future__ import annotations

import os
import stat
from enum import Enum, auto

from kubemr_shell import engine
from kubemr_shell.errors import ObjectNotFound, Sequel, StorageError
from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.storage.seals import UNKNOWN, seal_of


class Found(Enum):
    """The kind of object that has the name of a staged output or of a target."""

    NOTHING = auto()
    """The name does not exist."""
    SAME = auto()
    """A file with the bytes of the receipt."""
    OTHER = auto()
    """A file with other bytes."""
    NO_FILE = auto()
    """A folder, a link, or anything else that is not a regular file."""


def publish_file(receipt: Receipt, source: str, target: str, *, replace: bool) -> None:
    """Publish a file as ``Storage.publish`` describes, from ``source`` to ``target`` on the same file system."""
    try:
        staged = _found(source, receipt)
        if staged is Found.OTHER:
            raise _damaged(receipt, source)
        # No other process makes a target between this test and the rename: the run holds the lock of its output folder.
        if staged is Found.SAME and (replace or not os.path.lexists(target)):
            _rename(receipt, source, target, replace=replace)
        elif os.path.lexists(source):
            # Publishing removes the staged name. If both names exist, the target was not published from this source.
            raise _not_ours(receipt, target)
        else:
            _check_published(receipt, target, replace=replace)
    except OSError as error:
        raise explained(error, target) from error


def scan(descriptor: int, size: int) -> tuple[int, int]:
    """Return the CRC-32 and the number of line ends of the first ``size`` bytes of a file."""
    if size == 0:
        return 0, 0
    crc32, newlines = engine.scan(descriptor, 0, size)
    return crc32, newlines


def _found(path: str, receipt: Receipt) -> Found:
    """Return the kind of object at ``path``. Read the bytes of the file unless its seal equals the receipt's seal."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Found.NOTHING
    if not stat.S_ISREG(status.st_mode):
        return Found.NO_FILE
    if status.st_size != receipt.bytes:
        return Found.OTHER
    if receipt.seal != UNKNOWN and seal_of(status) == receipt.seal:
        return Found.SAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return Found.NOTHING
    try:
        is_same = scan(descriptor, receipt.bytes)[0] == receipt.crc32
    finally:
        os.close(descriptor)
    return Found.SAME if is_same else Found.OTHER


def _rename(receipt: Receipt, source: str, target: str, *, replace: bool) -> None:
    try:
        os.rename(source, target)
    except (FileNotFoundError, NotADirectoryError) as error:
        if _size(source) is not None:
            raise StorageError(f"{target}: the folder for it is gone: make it again", sequel=Sequel.GOES_ON) from error
        _check_published(receipt, target, replace=replace)  # another worker was faster


def _check_published(receipt: Receipt, target: str, *, replace: bool) -> None:
    """Return if the output is at its target; else raise an error.

    With ``replace``, another file at the target belongs to an older result and counts as no output.
    """
    found = _found(target, receipt)
    if found is Found.NOTHING or (found is Found.OTHER and replace):
        raise ObjectNotFound(f"{target}: neither published nor staged at {receipt.staged}")
    if found is not Found.SAME:
        raise _not_ours(receipt, target)


def _damaged(receipt: Receipt, source: str) -> ObjectNotFound:
    size = _size(source)
    if size == receipt.bytes:
        return ObjectNotFound(f"{source}: its {size} bytes have another checksum than those that were written")
    return ObjectNotFound(f"{source}: has {size} bytes, {receipt.bytes} were written")


def _not_ours(receipt: Receipt, target: str) -> StorageError:
    return StorageError(
        f"{target}: something that this job did not write stands where a part of {receipt.bytes} bytes belongs: "
        "move it away",
        sequel=Sequel.GOES_ON,
    )


def _size(path: str) -> int | None:
    """Return the size of a regular file, -1 for any other object, or None if nothing exists."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else -1
