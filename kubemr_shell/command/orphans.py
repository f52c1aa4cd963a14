"""Records the process groups of a worker's commands, so that they can be killed after the worker was killed.

Each worker has a small file with one record for each slot. Every command of the slot overwrites the record: the process
group id, and the start time of the group leader. The system reuses group ids, so an id alone is never trusted.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from kubemr_shell.command import processes
from kubemr_shell.storage.os_errors import errors_explained

_RECORD = struct.Struct("<qq")
ROUNDS = 10
"""The number of searches for marked processes: a process may start others while it is being killed."""


class GroupFile:
    """The file of one worker with its process groups. A command that has ended stays in the file, which is harmless."""

    def __init__(self, path: str) -> None:
        self._path = path
        with errors_explained(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def recorder(self, slot: int) -> Callable[[int], None]:
        """Return a function that records the process group id of each command that the slot starts."""
        return lambda group: self._record(slot, group)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _record(self, slot: int, group: int) -> None:
        try:
            started = processes.started_at(group)
        except OSError:
            started = -1
        with errors_explained(self._path):
            os.pwrite(self._file, _RECORD.pack(group, started), slot * _RECORD.size)


def kill_recorded(path: str, marker: bytes) -> list[int]:
    """Kill the process groups in a dead worker's file that still exist. Return their ids.

    A group belongs to the worker if its leader has the recorded start time, or if a process of the group has ``marker``
    in its environment. A marker is, for example, ``KUBEMR_JOB_ID=<uid>``. Without the file, do nothing.
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
    """Kill the processes that were started with all these variables. Return the ids of the processes.

    This also finds processes that no record contains: commands that were being started when the worker was killed,
    and processes in sessions of their own.
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
        return False  # a command of a job may resume the same job
    with suppress(OSError):
        return set(variables) <= set(processes.environment_of(process_id))
    return False


def _read(path: str) -> Iterator[tuple[int, int]]:
    """Yield the process group id of each slot that has started a command, and the start time of the group's leader.

    Skip the all-zero records of other slots. If the file does not exist, yield nothing.
    """
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
