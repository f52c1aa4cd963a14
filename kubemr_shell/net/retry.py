"""How long a server is asked again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kubemr_shell.net.waiting import Waiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Times are in seconds."""

    budget: float
    """From the first failure without a byte in between until it is given up."""
    first_pause: float = 0.2
    longest_pause: float = 10
    connect: float = 10
    """To connect, or to agree on TLS."""
    idle: float = 30
    """Between two bytes of an answer."""
    clock: Callable[[], float] = time.monotonic
    random: random.Random = field(default_factory=random.Random)


LISTING_PATIENCE = Patience(budget=15)
"""Somebody may be waiting at a terminal, with a slip in the URL."""
READING_PATIENCE = Patience(budget=120)
"""A task that fails is done again from its start."""


def pause_seconds(tries: int, *, first: float, longest: float, random: random.Random) -> float:
    """The pause after so many failed tries: twice as long each time, and spread, so that many do not come together."""
    return min(first * (1 << min(tries, 30)), longest) * random.uniform(0.5, 1)


class Retries:
    """The pauses between tries; ``moved`` says that it was worth it, and the budget is whole again."""

    def __init__(self, patience: Patience, waiter: Waiter) -> None:
        self._patience = patience
        self._waiter = waiter
        self._tries = 0
        self._give_up_at = 0.0

    def moved(self) -> None:
        self._tries = 0

    def pause(self, asked: float = 0) -> bool:
        """Wait, at least as long as the server ``asked`` for; False when the budget is over."""
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
