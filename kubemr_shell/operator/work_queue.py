"""A queue of items that wait to be processed: each item once, and never in two threads at the same time."""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

SPARE = 64
"""The number by which outdated entries of the heap may exceed the valid ones before they are removed."""


class WorkQueue(Generic[Item]):
    """A queue of items with due times. Any thread may add and take."""

    def __init__(self, taken: Callable[[float], None] = lambda _: None) -> None:
        """``taken`` is called for each item with the seconds from its due time to its taking."""
        self._taken = taken
        self._condition = threading.Condition()
        self._due: dict[Item, float] = {}
        self._heap: list[tuple[float, int, Item]] = []
        self._working: set[Item] = set()
        self._postponed: set[Item] = set()
        """The items that became due while a thread processes them."""
        self._count = 0
        self._closed = False

    def add(self, item: Item, after: float = 0.0) -> None:
        """Make an item due after ``after`` seconds. If the item is due earlier already, change nothing."""
        at = time.monotonic() + after
        with self._condition:
            if item in self._due and self._due[item] <= at:
                return
            self._due[item] = at
            self._push(item)
            self._condition.notify()

    def take(self) -> Item | None:
        """Wait for the next due item and return it; None after ``close``. The caller must call ``done`` afterwards."""
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                item, at = self._next(now)
                if item is not None:
                    self._taken(now - at)
                    return item
                self._condition.wait(self._heap[0][0] - now if self._heap else None)
            return None

    def done(self, item: Item) -> None:
        """Note that an item has been processed. Only then can it be taken again."""
        with self._condition:
            self._working.discard(item)
            if item in self._postponed:
                self._postponed.discard(item)
                self._push(item)
            self._condition.notify()

    def close(self) -> None:
        """Close the queue: each ``take`` returns None from now on."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def age(self) -> float:
        """Return the seconds for which the oldest item has been due; 0 if none is due."""
        with self._condition:
            return max(0.0, time.monotonic() - min(self._due.values(), default=math.inf))

    def __len__(self) -> int:
        with self._condition:
            return len(self._due)

    def _push(self, item: Item) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self._due[item], self._count, item))
        self._compact()

    def _compact(self) -> None:
        """Remove the outdated entries if they are too many.

        A job that is due in a week but is processed every few minutes leaves an entry each time.
        """
        if len(self._heap) > 2 * len(self._due) + SPARE:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def _next(self, now: float) -> tuple[Item | None, float]:
        """Return the first due item and its due time; None and ``now`` if no item is due."""
        while self._heap and self._heap[0][0] <= now:
            at, _, item = heapq.heappop(self._heap)
            if self._due.get(item) != at:
                continue  # outdated: the item has another due time now
            if item in self._working:
                self._postponed.add(item)
                continue
            del self._due[item]
            self._working.add(item)
            return item, at
        return None, now
