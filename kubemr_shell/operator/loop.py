"""A thread that repeats a task, and a check whether the thread is stuck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Loop:
    """A thread that works in rounds.

    ``run`` must call ``begins`` at the start of each round, and ``rests`` before it waits for work without a bound.
    """

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._began: float | None = None

    def start(self) -> None:
        """Start the thread."""
        self.begins()
        self._thread.start()

    def begins(self) -> None:
        """Note that a round begins."""
        self._began = time.monotonic()

    def rests(self) -> None:
        """Note that the thread waits for work, for any time."""
        self._began = None

    def is_running(self, within: float) -> bool:
        """Return whether the thread runs, and its present round has taken less than ``within`` seconds."""
        began = self._began
        return self._thread.is_alive() and (began is None or time.monotonic() - began < within)

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread, for at most ``timeout`` seconds."""
        self._thread.join(timeout)
