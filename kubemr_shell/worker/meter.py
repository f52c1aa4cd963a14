"""The progress report of a worker: a small file, rewritten at intervals, for the process that shows progress."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from kubemr_shell.errors import OutOfSpace
from kubemr_shell.job.state import Phase
from kubemr_shell.storage.os_errors import explained

REPORT_SECONDS = 0.5
"""The least time between two reports, in seconds."""
SILENT_SECONDS = 5.0
"""The seconds without a report after which the status of a worker is ignored: it has ended, or runs no command."""


class Status(NamedTuple):
    """The status text of a task, and its time by the monotonic clock, which all processes of a machine share."""

    at: float
    text: str


class Running(Protocol):
    """The running attempts of a worker."""

    def moved(self) -> int:
        """Return the bytes that the running attempts have read so far."""
        ...

    def status(self) -> Status | None:
        """Return the latest status of the running commands, or None."""
        ...


class Meter:
    """The meter of one worker: it counts the bytes of finished attempts by phase, and writes the reports.

    ``running`` gives the bytes of running attempts when a report is due.
    """

    def __init__(self, path: str, running: Running, clock: Callable[[], float]) -> None:
        self._path = path
        self._running = running
        self._clock = clock
        self._reported_at = clock()
        self._finished: dict[str, int] = {}

    def add(self, phase: Phase, bytes_in: int) -> None:
        """Count the bytes that a finished attempt has read."""
        self._finished[phase.value] = self._finished.get(phase.value, 0) + bytes_in

    def report(self, phase: Phase | None) -> None:
        """Write the file if the last report is long enough ago. ``phase`` is the phase of the running attempts."""
        now = self._clock()
        if now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        done = dict(self._finished)
        if phase is not None:
            done[phase.value] = done.get(phase.value, 0) + self._running.moved()
        hidden = f"{self._path}.new"
        try:
            with open(hidden, "w") as file:
                json.dump({"at": now, "bytes": done, "status": self._running.status()}, file)
            os.replace(hidden, self._path)
        except (FileNotFoundError, NotADirectoryError):
            pass  # the run's state was removed; the board reports it
        except OSError as error:
            if not OutOfSpace.is_cause(error):  # who needs the space reports a full disk
                raise explained(error, hidden) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """The sum of the reports of all workers."""

    bytes: Mapping[str, int]
    """The bytes read so far, by phase."""
    status: str
    """The latest status text of the running tasks, or an empty text."""

    def bytes_done(self, phase: Phase) -> int:
        """Return the bytes that the tasks of a phase have read so far."""
        return self.bytes.get(phase.value, 0)


def read_meters(paths: list[str], *, now: float) -> Meters:
    """Return the sum of the reports at ``paths``. Ignore the status of workers silent for ``SILENT_SECONDS``."""
    done: dict[str, int] = {}
    said: list[Status] = []
    for path in paths:
        try:
            with open(path) as file:
                report: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            continue
        for phase, count in report["bytes"].items():
            done[phase] = done.get(phase, 0) + count
        if report["status"] and 0 <= now - report["at"] < SILENT_SECONDS:
            said.append(Status(*report["status"]))
    return Meters(bytes=done, status=max(said).text if said else "")
