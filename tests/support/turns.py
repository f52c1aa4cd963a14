"""Lets one of several pytest processes at a time do a common preparation. The others find it done."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(file: str | Path) -> Iterator[None]:
    """Wait for the others that use this file, which has to be there, for the same."""
    with open(file) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
