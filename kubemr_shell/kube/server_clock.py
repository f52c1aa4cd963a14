"""The clock of the API server, read from its answers.

The time stamps of objects come from that clock. A comparison with the local clock would count the skew between the two
as time that has passed.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime


class ServerClock:
    """An estimate of the time of one API server. Any thread may use it."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        """The server's time minus our monotonic clock, in seconds."""

    def hear(self, date: str | None) -> None:
        """Take the ``Date`` header of an answer that has just come. Ignore a header that is missing or not a date."""
        try:
            told = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        self._ahead = told - time.monotonic()

    def now(self) -> float | None:
        """Return the server's time in seconds since 1970, exact to 2 s; None before the first answer."""
        return None if self._ahead is None else self._ahead + time.monotonic()
