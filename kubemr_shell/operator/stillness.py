"""For how long nothing has been done in a job, as one operator has seen it."""

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


class StillnessWatch:
    """Compares what it is shown of a job with what it was shown before. Any thread may use it."""

    def __init__(self, limit_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A job of which nothing changes for ``limit_seconds`` is stalled. ``clock`` never goes back."""
        self._limit = limit_seconds
        self._clock = clock
        self._sights: dict[Key, _Sight] = {}
        self._lock = threading.Lock()

    def is_stalled(self, job: Key, signature: Hashable) -> bool | None:
        """Return whether a job stands still; None while this operator has not watched it for long enough to know.

        ``signature`` is anything that is another whenever work is done on the job. What an operator that was begun
        anew does not know, another one may have noted already.
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
        """Note that there is no such job any more, or that it has ended."""
        with self._lock:
            self._sights.pop(job, None)
