"""Retries of requests to a server within a budget of time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kubemr_shell.waits.waiter import Waiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The limits of the waiting for one server. All times are in seconds."""

    budget: float
    """The time from the first failure until the request is given up. Each received byte renews the budget."""
    first_pause: float = 0.2
    """The longest pause after the first failure."""
    longest_pause: float = 10
    """The longest pause after any failure, unless the server asks for a longer one."""
    connect: float = 10
    """The time-out for a connection, and for the TLS handshake."""
    idle: float = 30
    """The time-out between two bytes of an answer."""
    clock: Callable[[], float] = time.monotonic
    random: random.Random = field(default_factory=random.Random)


LISTING_PATIENCE = Patience(budget=15)
"""The patience for listings: short, because a user may wait at a terminal after a typing error in a URL."""
READING_PATIENCE = Patience(budget=120)
"""The patience for reads of inputs: long, because a task that fails begins again from its start."""


def pause_seconds(tries: int, *, first: float, longest: float, random: random.Random) -> float:
    """Return the seconds to pause after ``tries`` earlier failures.

    The pause doubles with each failure up to ``longest``. A random factor from 0.5 to 1 spreads the requests of many
    workers.
    """
    return min(first * (1 << min(tries, 30)), longest) * random.uniform(0.5, 1)


class Retries:
    """The pauses between the tries of one request, within the budget of a patience."""

    def __init__(self, patience: Patience, waiter: Waiter) -> None:
        self._patience = patience
        self._waiter = waiter
        self._tries = 0
        self._give_up_at = 0.0

    def moved(self) -> None:
        """Record that bytes have arrived, which renews the budget."""
        self._tries = 0

    def pause(self, asked: float = 0) -> bool:
        """Wait for the next try, at least the ``asked`` seconds that the server wants.

        Return False, without a wait, if the wait would exceed the budget. Raise Cancelled.
        """
        now = self._patience.clock()
        if not self._tries:
            self._give_up_at = now + self._patience.budget
        patience = self._patience
        pause = pause_seconds(
            self._tries, first=patience.first_pause, longest=patience.longest_pause, random=patience.random
        )
        seconds = max(asked, pause)
        self._tries += 1
        if now + seconds > self._give_up_at:
            return False
        self._waiter.pause(seconds)
        return True
