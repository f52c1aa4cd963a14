"""What a job has stored of itself, and cannot go on without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.errors import CorruptRun, ObjectNotFound, Sequel, StorageError


@contextmanager
def needed() -> Iterator[None]:
    """StorageError for what is gone or damaged of plan, journal or manifests."""
    try:
        yield
    except (ObjectNotFound, CorruptRun) as error:
        raise StorageError(f"{error}: the job cannot go on without it", sequel=Sequel.BEGINS_ANEW) from error
