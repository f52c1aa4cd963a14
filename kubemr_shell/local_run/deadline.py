"""A limit for the duration of a whole run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Deadline:
    """A context that calls ``stop`` if it is still open after ``seconds``. None sets no limit.

    ``passed`` tells whether the deadline has passed.
    """

    def __init__(self, seconds: float | None, stop: Callable[[], None]) -> None:
        self.passed = False
        self._stop = stop
        self._timer = threading.Timer(seconds, self._pass) if seconds else None

    def __enter__(self) -> Deadline:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()

    def _pass(self) -> None:
        self.passed = True
        self._stop()
