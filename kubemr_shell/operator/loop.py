"""A thread that goes round and round, and whether it still does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Loop:
    """``run`` says when a round ``begins``, and when it ``rests`` for as long as there is nothing to do."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._began: float | None = None

    def start(self) -> None:
        self.begins()
        self._thread.start()

    def begins(self) -> None:
        self._began = time.monotonic()

    def rests(self) -> None:
        self._began = None

    def goes_round(self, within: float) -> bool:
        """It runs, and its round has not taken longer than so many seconds yet."""
        began = self._began
        return self._thread.is_alive() and (began is None or time.monotonic() - began < within)

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)
