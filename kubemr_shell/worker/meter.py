"""What this worker has done and does, for whoever shows progress: a small file, rewritten now and then."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from kubemr_shell.job.state import Phase

REPORT_SECONDS = 0.5
SILENT_SECONDS = 5.0
"""After which a worker is taken for gone, or for one that runs no command."""


class Status(NamedTuple):
    """What a task says that it is doing, and when it said so, by the clock that all processes of a machine share."""

    at: float
    text: str


class Running(Protocol):
    """The attempts of a worker that run now."""

    def moved(self) -> int:
        """Bytes so far."""
        ...

    def status(self) -> Status | None: ...


class Meter:
    """Counts the bytes of finished attempts by phase; what runs now is asked for when a report is due."""

    def __init__(self, path: str, running: Running, clock: Callable[[], float]) -> None:
        self._path = path
        self._running = running
        self._clock = clock
        self._reported_at = clock()
        self._finished: dict[str, int] = {}

    def add(self, phase: Phase, bytes_in: int) -> None:
        self._finished[phase.value] = self._finished.get(phase.value, 0) + bytes_in

    def report(self, phase: Phase | None) -> None:
        """Write the file if the last time is long enough ago; ``phase`` is that of the running attempts."""
        now = self._clock()
        if now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        done = dict(self._finished)
        if phase is not None:
            done[phase.value] = done.get(phase.value, 0) + self._running.moved()
        hidden = f"{self._path}.new"
        with suppress(FileNotFoundError, NotADirectoryError):  # the state of the run was removed: the board says so
            with open(hidden, "w") as file:
                json.dump({"at": now, "bytes": done, "status": self._running.status()}, file)
            os.replace(hidden, self._path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """The reports of all workers."""

    bytes: Mapping[str, int]
    """Moved so far, by phase."""
    status: str
    """What one of the running tasks said last that it is doing."""

    def bytes_done(self, phase: Phase) -> int:
        return self.bytes.get(phase.value, 0)


def read_meters(paths: list[str], *, now: float) -> Meters:
    """What the workers have reported, as far as they have; nobody runs what a worker told that is silent since."""
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
