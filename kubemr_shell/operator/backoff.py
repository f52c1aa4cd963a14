"""The pauses before a job is reconciled again after a failure. Each job has its own pause, which grows each time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable
from random import Random
from typing import Generic, TypeVar

from kubemr_shell.waits.retry import pause_seconds

Item = TypeVar("Item", bound=Hashable)

FIRST_SECONDS = 0.3
"""The pause after the first failure, in seconds."""
LONGEST_SECONDS = 60.0
"""The longest pause in seconds. It is bounded because an obstacle may pass without any notice."""


class Backoff(Generic[Item]):
    """The counts of consecutive failures of items. Any thread may use it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._failures: Counter[Item] = Counter()

    def failed(self, item: Item) -> float:
        """Count a failure of an item. Return the seconds until the item should be tried again."""
        with self._lock:
            tries = self._failures[item]
            self._failures[item] += 1
            return pause_seconds(tries, first=FIRST_SECONDS, longest=LONGEST_SECONDS, random=self._random)

    def succeeded(self, item: Item) -> None:
        """Forget the failures of an item."""
        with self._lock:
            self._failures.pop(item, None)
