"""How long a job that fails to be looked after is left alone: each for itself, and longer each time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable
from random import Random
from typing import Generic, TypeVar

from kubemr_shell.net.retry import pause_seconds

Item = TypeVar("Item", bound=Hashable)

FIRST_SECONDS = 0.3
LONGEST_SECONDS = 60.0
"""What was in the way may be gone without anybody telling."""


class Backoff(Generic[Item]):
    """Any thread may call it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._failures: Counter[Item] = Counter()

    def failed(self, item: Item) -> float:
        """Seconds until it is tried again."""
        with self._lock:
            tries = self._failures[item]
            self._failures[item] += 1
            return pause_seconds(tries, first=FIRST_SECONDS, longest=LONGEST_SECONDS, random=self._random)

    def succeeded(self, item: Item) -> None:
        with self._lock:
            self._failures.pop(item, None)
