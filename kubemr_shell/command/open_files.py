"""The soft limit on open files: raised for a worker with many slots, and restored for the commands.

A slot needs about ten descriptors, and more if its inputs or outputs are in S3. The usual soft limit is 1,024. Commands
get the limit with which this process was started. Some programs use ``select``, which supports only descriptors below
1,024, and some programs close every possible descriptor when they start.
"""

from __future__ import annotations

import resource
from contextlib import suppress

WORKER_FILES = 128
"""The open files that a worker needs apart from its slots."""
SLOT_FILES = 24
"""The open files that one slot needs at most."""
HIGHEST_LIMIT = 1 << 16
"""The highest soft limit that is set: enough for 2,700 slots. The hard limit may be a billion."""

_first: int | None = None
"""The soft limit with which this process was started. None until ``raise_limit`` raises the limit."""


def raise_limit(slots: int) -> None:
    """Raise the soft limit of this process as far as possible if ``slots`` slots may need more open files."""
    global _first  # noqa: PLW0603 - the limit belongs to the process, too
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= WORKER_FILES + SLOT_FILES * slots:
        return
    raised = HIGHEST_LIMIT if hard == resource.RLIM_INFINITY else min(hard, HIGHEST_LIMIT)
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        _first = soft if _first is None else _first


def restore_limit(process_id: int) -> None:
    """Set the soft limit of a command to the limit with which this process was started.

    To set a limit between fork and exec, this whole process would have to be copied for each command. So the limit is
    set when the command runs already, but before the command gets any input.
    """
    if _first is None:
        return
    with suppress(ProcessLookupError, PermissionError):  # the command has ended, or runs as another user
        _, hard = resource.prlimit(process_id, resource.RLIMIT_NOFILE)
        resource.prlimit(process_id, resource.RLIMIT_NOFILE, (_first, hard))
