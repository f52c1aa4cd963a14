"""Jobs that have to be looked at: each once, however often it was asked for, and never by two threads at a time."""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

SPARE = 64
"""Entries of times that no longer hold are removed when they outnumber the others by that much."""


class WorkQueue(Generic[Item]):
    """Any thread may add and take."""

    def __init__(self, taken: Callable[[float], None] = lambda _: None) -> None:
        """``taken`` is told for each item how many seconds late it was taken."""
        self._taken = taken
        self._condition = threading.Condition()
        self._due: dict[Item, float] = {}
        self._heap: list[tuple[float, int, Item]] = []
        self._working: set[Item] = set()
        self._postponed: set[Item] = set()
        """Due while they are being looked at."""
        self._count = 0
        self._closed = False

    def add(self, item: Item, after: float = 0.0) -> None:
        """Have it looked at in so many seconds; an earlier time stays."""
        at = time.monotonic() + after
        with self._condition:
            if item in self._due and self._due[item] <= at:
                return
            self._due[item] = at
            self._push(item)
            self._condition.notify()

    def take(self) -> Item | None:
        """The next one that is due; None after ``close``. ``done`` has to follow."""
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
        with self._condition:
            self._working.discard(item)
            if item in self._postponed:
                self._postponed.discard(item)
                self._push(item)
            self._condition.notify()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def age(self) -> float:
        """Return for how many seconds the oldest item has been due; 0 where none is."""
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
        """A job that is due in a week, and looked at every few minutes till then, leaves an entry each time."""
        if len(self._heap) > 2 * len(self._due) + SPARE:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def _next(self, now: float) -> tuple[Item | None, float]:
        """Return the first item that is due, and when it became due."""
        while self._heap and self._heap[0][0] <= now:
            at, _, item = heapq.heappop(self._heap)
            if self._due.get(item) != at:
                continue  # it was asked for at another time since
            if item in self._working:
                self._postponed.add(item)
                continue
            del self._due[item]
            self._working.add(item)
            return item, at
        return None, now
