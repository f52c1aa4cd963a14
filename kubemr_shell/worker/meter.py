"""How much this worker has done, for whoever shows progress: a small file, rewritten now and then."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from kubemr_shell.job.state import Phase

REPORT_SECONDS = 0.5


class Meter:
    """Counts the bytes of finished attempts by phase; what runs now is asked for when a report is due."""

    def __init__(self, path: str, moved: Callable[[], int], clock: Callable[[], float]) -> None:
        self._path = path
        self._moved = moved
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
            done[phase.value] = done.get(phase.value, 0) + self._moved()
        hidden = f"{self._path}.new"
        with open(hidden, "w") as file:
            json.dump(done, file)
        os.replace(hidden, self._path)


def read_meters(paths: list[str], phase: Phase) -> int:
    """The bytes that all workers have moved in a phase, as far as they have said."""
    total = 0
    for path in paths:
        try:
            with open(path) as file:
                total += json.load(file).get(phase.value, 0)
        except FileNotFoundError:
            continue
    return total
