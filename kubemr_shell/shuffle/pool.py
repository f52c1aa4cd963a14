"""Threads that wait for answers of a storage, many at once, while the interpreter's lock is free."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from kubemr_shell.net.waiting import Cancelled

Work = Callable[[], None]


class Pool:
    """Up to ``threads`` pieces of work at once, whoever asks for them. The threads are started when they are needed."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started: list[threading.Thread] = []

    def run(self, works: Iterable[Work], cancel: int) -> None:
        """Do all of it; the first error is raised, Cancelled when ``cancel`` is readable before the end.

        In both cases nothing more is begun. What is under way goes on, and nobody hears of it: a request may take long
        to give up, and nobody should have to wait for that.
        """
        batch = _Batch(works)
        with self._lock:
            for _ in range(min(self.threads, batch.left) - len(self._started)):
                thread = threading.Thread(target=self._work, name="fetch", daemon=True)
                self._started.append(thread)
                thread.start()
        for _ in range(min(self.threads, batch.left)):
            self._queue.put(batch.work)
        batch.wait(cancel)

    def close(self) -> None:
        """Let the threads end when they have nothing to do."""
        for _ in self._started:
            self._queue.put(None)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            work()


class _Batch:
    """The works of one call. Its descriptor is closed by whoever needs it last."""

    def __init__(self, works: Iterable[Work]) -> None:
        self._works = list(works)[::-1]
        self.left = len(self._works)
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._is_over = False
        self._done = os.eventfd(0, os.EFD_CLOEXEC)

    def work(self) -> None:
        """Do what is left of it; several threads at once."""
        while (work := self._next()) is not None:
            error = None
            try:
                work()
            except BaseException as raised:  # noqa: BLE001 - it is for the thread that waits
                error = raised
            self._end_one(error)

    def wait(self, cancel: int) -> None:
        poll = select.poll()
        poll.register(self._done, select.POLLIN)
        if cancel >= 0:
            poll.register(cancel, select.POLLIN)
        ready = self.left == 0 or any(descriptor == self._done for descriptor, _ in poll.poll())
        with self._lock:
            self._is_over = True
            os.close(self._done)
        if self._error is not None:
            raise self._error
        if not ready:
            raise Cancelled

    def _next(self) -> Work | None:
        with self._lock:
            return None if self._is_over or self._error or not self._works else self._works.pop()

    def _end_one(self, error: BaseException | None) -> None:
        with self._lock:
            self.left -= 1
            self._error = self._error or error
            if not self._is_over and (self._error or self.left == 0):
                os.eventfd_write(self._done, 1)
