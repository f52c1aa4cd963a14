"""A full disk, or a full quota on it, is an error of its own: the worker stops claiming."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.errors import OutOfSpace


@contextmanager
def watched_space(what: str) -> Iterator[None]:
    """Turn the system's errors about space into OutOfSpace; ``what`` is what there was no space for."""
    try:
        yield
    except OSError as error:
        if not OutOfSpace.is_cause(error):
            raise
        raise OutOfSpace(f"no space for {what}: {error.strerror}: make room") from error
