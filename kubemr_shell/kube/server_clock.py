"""The time of the API server, as its answers tell it.

Objects carry stamps of that clock. Whoever compares his own with them takes hours of skew for hours that have passed.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime


class ServerClock:
    """Any thread may use it."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        """Of our monotonic clock, in seconds."""

    def hear(self, date: str | None) -> None:
        """The ``Date`` of an answer that has just come; one that says nothing changes nothing."""
        try:
            told = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        self._ahead = told - time.monotonic()

    def now(self) -> float | None:
        """Seconds since 1970, exact to a second or two; None before the server was heard of."""
        return None if self._ahead is None else self._ahead + time.monotonic()
