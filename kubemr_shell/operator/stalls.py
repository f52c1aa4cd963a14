"""The times for which jobs have not changed, as one operator has seen them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from kubemr_shell.operator.object_cache import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    signature: Hashable
    since: float
    has_moved: bool


class StallWatch:
    """A record of the last change of each job. Any thread may use it."""

    def __init__(self, limit_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A job that does not change for ``limit_seconds`` is stalled. ``clock`` is in seconds, and never goes back."""
        self._limit = limit_seconds
        self._clock = clock
        self._sights: dict[Key, _Sight] = {}
        self._lock = threading.Lock()

    def is_stalled(self, job: Key, signature: Hashable) -> bool | None:
        """Return whether a job is stalled; None while this operator has not watched the job for long enough.

        ``signature`` is any value that changes with each work on the job. None is not False: after a restart of this
        operator, another operator may have reported already that the job is stalled.
        """
        now = self._clock()
        with self._lock:
            last = self._sights.get(job)
            if last is None or last.signature != signature:
                last = _Sight(signature=signature, since=now, has_moved=last is not None)
                self._sights[job] = last
        if now - last.since >= self._limit:
            return True
        return False if last.has_moved else None

    def forget(self, job: Key) -> None:
        """Forget a job that has ended or no longer exists."""
        with self._lock:
            self._sights.pop(job, None)
