"""A few threads that share work and wait for answers of servers at the same time, without the interpreter's lock.

A caller never waits for a slow request: a cancel, or the first error, reaches the caller at once. Requests that are
still in flight end by themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar, cast

from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import NOBODY, Cancelled, Waiter

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool:
    """A pool of up to ``threads`` threads that all callers share. Threads start when they are needed."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._wanted = 0
        """The number of threads that would do all current work at once."""

    def map(self, work: Callable[[Item, Waiter], Result], items: Iterable[Item], waiter: Waiter) -> list[Result]:
        """Call ``work`` with each item in threads, and return the results in the order of the items.

        ``work`` also gets a Waiter, which is cancelled when the result is no longer needed. Raise the first error of
        ``work``, or Cancelled if ``waiter`` is cancelled; no further item is then begun.
        """
        batch = _Batch(work, items)
        count = min(self.threads, batch.size)
        if not count:
            return []
        with self._lock:
            self._wanted += count
            while self._started < min(self.threads, self._wanted):
                self._started += 1
                threading.Thread(target=self._work, name="pool", daemon=True).start()
        for _ in range(count):
            self._queue.put(batch.work)
        return batch.results(waiter)

    def close(self) -> None:
        """End the threads after they have done all current work."""
        for _ in range(self._started):
            self._queue.put(None)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            with self._lock:
                self._wanted -= 1


class Promise(Generic[Result]):
    """The future result of work in a thread."""

    def __init__(self) -> None:
        self._ended = Flag()
        self._result: Result | None = None
        self._error: BaseException | None = None

    def result(self, waiter: Waiter | None = None) -> Result:
        """Wait for the result and return it. Raise the error of the work, or Cancelled if ``waiter`` is cancelled."""
        (waiter or Waiter(NOBODY)).until_readable(self._ended.fd)
        if self._error is not None:
            raise self._error
        return cast(Result, self._result)

    def keep(self, work: Callable[[], Result]) -> None:
        """Do the work and keep its result or its error."""
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises the error
            self._error = error
        finally:
            self._ended.set()


class Crew:
    """A few threads for work whose results the caller fetches later. The process can end while they work."""

    def __init__(self, threads: int) -> None:
        self._most = threads
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._abandoned = Flag()
        self._is_closed = False

    def submit(self, work: Callable[[Waiter], Result]) -> Promise[Result]:
        """Give work to a thread and return the promise of its result. ``close`` cancels the Waiter of the work.

        Only one caller may submit at a time.
        """
        promise = Promise[Result]()
        self._queue.put(lambda: promise.keep(lambda: self._unless_closed(work)))
        if len(self._threads) < self._most:
            self._threads.append(threading.Thread(target=self._work, name="crew", daemon=True))
            self._threads[-1].start()
        return promise

    def close(self) -> None:
        """Begin no more work, and cancel the work that waits for an answer. The results of this work are Cancelled."""
        self._is_closed = True
        self._abandoned.set()
        for _ in self._threads:
            self._queue.put(None)

    def wait(self) -> None:
        """Wait until all threads have ended. Call ``close`` first."""
        for thread in self._threads:
            thread.join()

    def _unless_closed(self, work: Callable[[Waiter], Result]) -> Result:
        if self._is_closed:
            raise Cancelled
        return work(Waiter(self._abandoned.fd))

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            work()


def in_threads(
    work: Callable[[Item, Waiter], Result], items: Iterable[Item], *, at_once: int, waiter: Waiter
) -> list[Result]:
    """Do what ``Pool.map`` does, with a new pool of ``at_once`` threads."""
    pool = Pool(at_once)
    try:
        return pool.map(work, items, waiter)
    finally:
        pool.close()


class _Batch(Generic[Item, Result]):
    """The items of one call of ``Pool.map``, and their results."""

    def __init__(self, work: Callable[[Item, Waiter], Result], items: Iterable[Item]) -> None:
        self._one = work
        self._waiting = list(enumerate(items))[::-1]
        self.size = len(self._waiting)
        self._results: dict[int, Result] = {}
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._abandoned, self._finished = Flag(), Flag()

    def work(self) -> None:
        """Work on items until none is left. Several threads may call this method at the same time."""
        waiter = Waiter(self._abandoned.fd)
        while (claim := self._next()) is not None:
            number, item = claim
            try:
                self._done(number, self._one(item, waiter))
            except BaseException as error:  # noqa: BLE001 - the thread that waits raises the error
                self._failed(error)

    def results(self, waiter: Waiter) -> list[Result]:
        """Wait for all results and return them in order. Raise the first error, or Cancelled."""
        try:
            waiter.until_readable(self._finished.fd)
        finally:
            with self._lock:
                self._waiting.clear()
            self._abandoned.set()
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in range(self.size)]

    def _next(self) -> tuple[int, Item] | None:
        with self._lock:
            return self._waiting.pop() if self._waiting else None

    def _done(self, number: int, result: Result) -> None:
        with self._lock:
            self._results[number] = result
            if len(self._results) == self.size:
                self._finished.set()

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            self._waiting.clear()
            self._error = self._error or error
            self._finished.set()
