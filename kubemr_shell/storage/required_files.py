"""Access to the files that a job has stored about itself and cannot continue without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.errors import CorruptRun, ObjectNotFound, Sequel, StorageError


@contextmanager
def job_files_required() -> Iterator[None]:
    """Raise StorageError if the block finds that the plan, the journal or a manifest is missing or damaged."""
    try:
        yield
    except (ObjectNotFound, CorruptRun) as error:
        raise StorageError(f"{error}: the job cannot continue without it", sequel=Sequel.BEGINS_ANEW) from error
