"""Turns the errors of a full disk or quota into an error of its own, after which a worker stops claiming."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.errors import OutOfSpace


@contextmanager
def watched_space(what: str) -> Iterator[None]:
    """Raise OutOfSpace if the block fails for want of disk space. ``what`` names the object that needs the space."""
    try:
        yield
    except OSError as error:
        if not OutOfSpace.is_cause(error):
            raise
        raise OutOfSpace(f"no space for {what}: {error.strerror}: make room") from error
