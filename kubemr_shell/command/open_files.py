"""The limit on open files: raised where there are many slots, and given back to the commands.

A slot has about ten descriptors, more where its inputs or outputs are in S3; the usual soft limit is 1,024. Commands
get the limit that this process was started with: some programs use ``select``, which cannot take larger numbers, and
some close every possible descriptor at their start.
"""

from __future__ import annotations

import resource
from contextlib import suppress

OF_A_WORKER = 128
OF_A_SLOT = 24
MOST = 1 << 16
"""Enough for 2,700 slots, where the hard limit may be a billion."""

_first: int | None = None
"""The soft limit that this process was started with, once it was raised."""


def make_room(slots: int) -> None:
    """Raise the soft limit of this process as far as it may go, if so many slots may need more open files."""
    global _first  # noqa: PLW0603 - the limit is one of the process, too
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= OF_A_WORKER + OF_A_SLOT * slots:
        return
    raised = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        _first = soft if _first is None else _first


def give_back(process_id: int) -> None:
    """Give a command the soft limit that this process was started with.

    A limit cannot be set between fork and exec without a copy of this whole process for each command. So the command
    runs already, but it has got no input yet.
    """
    if _first is None:
        return
    with suppress(ProcessLookupError, PermissionError):  # it has ended, or became another user
        _, hard = resource.prlimit(process_id, resource.RLIMIT_NOFILE)
        resource.prlimit(process_id, resource.RLIMIT_NOFILE, (_first, hard))
