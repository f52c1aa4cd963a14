"""What the rest asks of a storage, in words that hold for a folder as for a bucket.

A URI is a path, ``file://`` and a path, or ``s3://bucket/key``; bytes that are no UTF-8 are surrogates (PEP 383), and
nothing is percent-decoded. Names below a job's temporaries are derived, never stored. Each method may raise Forbidden,
StorageUnavailable, StorageError, a write OutOfSpace too.

An output is staged under its attempt's name, and published under its clean name when the job is done. In S3 that is a
multipart upload which is not completed before, and an upload is bound to its key from the start: hence ``target``
already in ``stage``. What publishing needs beyond the receipt (the upload's id) the storage keeps at ``staged``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """An object that was found. Equal fingerprints: the bytes have not changed since, as far as anybody can tell."""

    uri: str
    size: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A staged output that is complete: all that publishing needs to know."""

    staged: str
    target: str
    bytes: int
    crc32: int
    records: int
    """Line ends."""
    seal: int = 0
    """A number by which the storage knows the staged bytes as long as nobody touches them; 0 where it has none."""


class StagedOutput(Protocol):
    """An output that is being written; nobody sees it before it is published."""

    def fileno(self) -> int | None:
        """A descriptor that ``splice`` can write to at its current position; None where there is no file behind."""
        ...

    def write(self, data: bytes | bytearray) -> None:
        """Append."""
        ...

    def seal(self) -> Receipt:
        """End the output and keep it for ``Storage.publish``."""
        ...

    def abandon(self) -> None:
        """Delete what was written. May follow ``seal``, or come twice."""
        ...


class Storage(Protocol):
    """Objects by URI."""

    def read(self, uri: str) -> bytes:
        """All bytes; ObjectNotFound."""
        ...

    def read_range(self, uri: str, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to but not including ``end``, fewer where the object ends; ObjectNotFound."""
        ...

    def write(self, uri: str, data: bytes | bytearray) -> None:
        """Put a whole object in place of whatever was there; readers see the old or the new one.

        A missing folder is ObjectNotFound, never made: it was removed at the end of a job that must not come to life
        again, and the caller decides that its lease is lost.
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects whose URI begins with ``prefix``, ordered by their bytes; in the form ``prefix`` has."""
        ...

    def delete(self, uri: str) -> None:
        """Remove an object; nothing happens where none is."""
        ...

    def make_folder(self, uri: str) -> None:
        """Make a folder and those above it, where a storage has folders. Only the start of a job calls this."""
        ...

    def delete_tree(self, folder: str) -> None:
        """Remove a folder with all below it; nothing happens where none is, nor where its bucket is not."""
        ...

    def stage(self, staged: str, *, target: str, scratch: str | None = None) -> StagedOutput:
        """Begin an output that will appear at ``target``. ``staged`` is the attempt's name in a folder that exists.

        ``scratch`` is a local folder for what waits to be sent; without it that waits in memory.
        """
        ...

    def publish(self, receipt: Receipt, *, replace: bool = False) -> None:
        """Make the output appear at its target; doing it again, or by several at once, changes nothing.

        ObjectNotFound: neither the complete staged output nor the target is there, the task has to run again. Anything
        else at the target is a StorageError that names it, unless an older result is there to ``replace``. Bytes are
        known by their checksum, never by their number alone.
        """
        ...

    def settle(self, uris: Iterable[str]) -> None:
        """Have objects, and the names in folders, survive a power cut. What is not there is left out."""
        ...

    def abandon(self, staged: str) -> None:
        """Delete a staged output that another worker began or sealed; nothing happens where none is."""
        ...
