"""The interface of a storage. Each storage, a folder or a bucket, implements all of its methods.

A URI is a path, ``file://`` and a path, or ``s3://bucket/key``. Bytes that are not UTF-8 are surrogates (PEP 383).
A URI is never percent-decoded. The names below a job's temporaries are derived, never stored. Each method may raise
Forbidden, StorageUnavailable or StorageError. A method that writes may also raise OutOfSpace.

An output is staged under the name of its attempt. When the job is done, the output is published under its final name.
In S3, a staged output is a multipart upload that is completed when the output is published. S3 binds an upload to its
key from the start, so ``stage`` already takes the ``target``. If publishing needs more than the receipt, such as the
id of the upload, the storage keeps this information at ``staged``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """An object that a storage has listed."""

    uri: str
    size: int
    """The size in bytes."""
    fingerprint: str
    """A text that changes with the bytes. Equal fingerprints mean that no change of the bytes can be detected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A description of a complete staged output, with everything that publishing needs."""

    staged: str
    """The URI under which the output is staged."""
    target: str
    """The URI under which the output is published."""
    bytes: int
    """The size in bytes."""
    crc32: int
    """The CRC-32 of all bytes."""
    records: int
    """The number of line ends."""
    seal: int = 0
    """A number by which the storage recognizes the staged bytes until they are changed; 0 if the storage has none."""


class StagedOutput(Protocol):
    """An output that is being written. The output is not visible before it is published."""

    def fileno(self) -> int | None:
        """Return a descriptor to which ``splice`` can write at its current position, or None if there is no file."""
        ...

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes to the output."""
        ...

    def seal(self) -> Receipt:
        """End the output, keep it for ``Storage.publish``, and return its receipt."""
        ...

    def abandon(self) -> None:
        """Delete the bytes of the output. The caller may call this method after ``seal``, and more than once."""
        ...


class Storage(Protocol):
    """A store of objects, each known by its URI."""

    def read(self, uri: str) -> bytes:
        """Return all bytes of an object. Raise ObjectNotFound if there is no object."""
        ...

    def read_range(self, uri: str, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to but not including ``end``; fewer if the object ends before ``end``.

        Raise ObjectNotFound if there is no object.
        """
        ...

    def write(self, uri: str, data: bytes | bytearray) -> None:
        """Write a whole object. The object replaces any older one; a reader sees either the old or the new object.

        Raise ObjectNotFound if the folder is missing. This method never makes the folder: the end of a job has
        removed it, and nothing may revive this job. The caller then treats its lease as lost.
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield all objects whose URI begins with ``prefix``, ordered by the bytes of their URIs.

        The URIs have the form of ``prefix``: paths, ``file://`` or ``s3://``.
        """
        ...

    def delete(self, uri: str) -> None:
        """Remove an object. Do nothing if there is no object."""
        ...

    def make_folder(self, uri: str) -> None:
        """Make a folder and its parents, if the storage has folders. Only the start of a job calls this method."""
        ...

    def delete_tree(self, folder: str) -> None:
        """Remove a folder with everything below it. Do nothing if the folder, or its bucket, does not exist."""
        ...

    def stage(self, staged: str, *, target: str, scratch: str | None = None) -> StagedOutput:
        """Begin an output that will appear at ``target``. ``staged`` is the attempt's name in a folder that exists.

        ``scratch`` is a local folder for bytes that wait to be sent. Without ``scratch``, these bytes wait in memory.
        """
        ...

    def publish(self, receipt: Receipt, *, replace: bool = False) -> None:
        """Make the output appear at its target. Repeated and concurrent calls have the effect of one call.

        Raise ObjectNotFound if neither the complete staged output nor the published output exists: the task has to run
        again. Raise StorageError, with the name of the target, if the target holds anything else. With ``replace``, the
        output replaces an older result at the target instead. The storage compares bytes by their checksum, never by
        their number alone.
        """
        ...

    def settle(self, uris: Iterable[str]) -> None:
        """Ensure that objects, and the names in folders, survive a power cut. Ignore URIs where nothing exists."""
        ...

    def abandon(self, staged: str) -> None:
        """Delete a staged output that another worker has begun or sealed. Do nothing if there is none."""
        ...
