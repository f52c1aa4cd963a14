"""The process groups that a worker's commands run in, written down so that others can end them if it is killed.

One small file a worker, one record a slot, overwritten by each command: a group id and when its leader was started.
A group id is given again by the system, so it alone is never believed.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from kubemr_shell.command import processes

_RECORD = struct.Struct("<qq")
ROUNDS = 10
"""Of looking for processes that start others while they are being killed."""


class GroupFile:
    """Keeps the file at ``path`` while the worker lives; a command that has ended stays in it, which is harmless."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def recorder(self, slot: int) -> Callable[[int], None]:
        """What to call with the group id of each command that the slot starts."""
        return lambda group: self._record(slot, group)

    def close(self) -> None:
        os.close(self._file)

    def _record(self, slot: int, group: int) -> None:
        try:
            started = processes.started_at(group)
        except OSError:
            started = -1
        os.pwrite(self._file, _RECORD.pack(group, started), slot * _RECORD.size)


def kill_recorded(path: str, marker: bytes) -> list[int]:
    """Kill what is left of the groups in a dead worker's file; the groups that there were.

    A group is the worker's if its leader was started when the file says, or if one of it has ``marker``, such as
    ``KUBEMR_JOB_ID=<uid>``, among its variables. No file: nothing to do.
    """
    recorded = dict(_read(path))
    killed = []
    for group, members in _members(set(recorded)).items():
        if any(_is_ours(member, group, recorded[group], marker) for member in members):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
                killed.append(group)
    return killed


def kill_marked(variables: Collection[bytes]) -> list[int]:
    """Kill the processes that were started with all these variables; those that there were.

    It finds what no record tells of: a command that was just being started, and what went into a session of its own.
    """
    killed: list[int] = []
    for _ in range(ROUNDS):
        found = [process_id for process_id in processes.all_processes() if _has(process_id, variables)]
        if not found:
            break
        for process_id in found:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        killed += found
    return sorted(set(killed))


def _has(process_id: int, variables: Collection[bytes]) -> bool:
    if process_id == os.getpid():
        return False  # a job may be resumed by a command of its own
    with suppress(OSError):
        return set(variables) <= set(processes.environment_of(process_id))
    return False


def _read(path: str) -> Iterator[tuple[int, int]]:
    """Group and start; a slot that has started nothing is all zeros."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return
    whole = len(data) - len(data) % _RECORD.size
    yield from (record for record in _RECORD.iter_unpack(data[:whole]) if record[0] > 1)


def _members(groups: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for process_id in processes.all_processes():
        with suppress(OSError):
            group = processes.group_of(process_id)
            if group in groups:
                found.setdefault(group, []).append(process_id)
    return found


def _is_ours(process_id: int, group: int, started: int, marker: bytes) -> bool:
    with suppress(OSError):
        if process_id == group and processes.started_at(process_id) == started:
            return True
        return marker in processes.environment_of(process_id)
    return False
