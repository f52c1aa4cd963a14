"""The slots of a worker: threads that take attempts from one queue. Each slot runs one attempt at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from kubemr_shell.board.steps import Attempt, ShardKey
from kubemr_shell.job.state import Phase
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.attempt_results import Broken, Dropped, Finished, Result
from kubemr_shell.worker.meter import Status


class TaskRunner(Protocol):
    """The runner of the attempts of one slot. It may keep things between attempts that make the next one cheaper."""

    def run(self, phase: Phase, attempt: Attempt, cancel: Flag) -> Result:
        """Run an attempt and return its result. Stop soon after ``cancel`` is set."""
        ...

    def moved(self) -> int:
        """Return the bytes that the running attempt has read so far."""
        ...

    def status(self) -> Status | None:
        """Return the last status of the running command, or None."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


@dataclass(slots=True, eq=False)
class _Item:
    """An attempt in the queue. An attempt may come twice, if its claim was given back and taken again."""

    key: ShardKey
    attempt: Attempt
    is_wanted: bool = True


class Slots:
    """A fixed number of slots, which run attempts after ``start`` has given them their runners.

    ``attend``: is called in a slot's thread when the loop should read the results at once.
    """

    def __init__(self, count: int, attend: Callable[[], None]) -> None:
        self.count = count
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._attend = attend
        self._lock = threading.Lock()
        self._waiting: dict[tuple[ShardKey, Attempt], _Item] = {}
        self._running: dict[tuple[ShardKey, Attempt], Flag] = {}
        self._stopped = False
        self._results: deque[tuple[ShardKey, Result]] = deque()
        self._runners: Sequence[TaskRunner] = ()
        self._cancels: list[Flag] = []
        """The flags that cancel the running attempt of each slot."""
        self._threads: list[threading.Thread] = []

    def start(self, runners: Sequence[TaskRunner]) -> None:
        """Start the slots, each with its runner. Call this method once."""
        self._runners = runners
        self._cancels = [Flag() for _ in runners]
        for both in zip(runners, self._cancels, strict=True):
            thread = threading.Thread(target=self._work, args=both, daemon=True)
            thread.start()  # if the system refuses a thread, ``close`` waits for the earlier ones
            self._threads.append(thread)

    def put(self, key: ShardKey, attempts: list[Attempt]) -> None:
        """Add attempts of a claim to the queue."""
        items = [_Item(key, attempt) for attempt in attempts]
        with self._lock:  # all attempts count as waiting before a slot takes the first
            self._waiting.update({(key, item.attempt): item for item in items})
        for item in items:
            self._queue.put(item)

    def take_results(self) -> list[tuple[ShardKey, Result]]:
        """Return the results since the last call."""
        results = []
        while self._results:
            results.append(self._results.popleft())
        return results

    def tasks(self, phase: Phase) -> list[int]:
        """Return the tasks of a phase that wait or run."""
        with self._lock:
            return [attempt.task for key, attempt in (*self._waiting, *self._running) if key.phase is phase]

    def unstarted(self) -> int:
        """Return the number of attempts that wait."""
        with self._lock:
            return len(self._waiting)

    def running(self) -> int:
        """Return the number of attempts that run."""
        with self._lock:
            return len(self._running)

    def moved(self) -> int:
        """Return the bytes that the running attempts have read so far."""
        return sum(runner.moved() for runner in self._runners)

    def status(self) -> Status | None:
        """Return the latest status of the running commands, or None."""
        return max((said for runner in self._runners if (said := runner.status())), default=None)

    def drop(self, key: ShardKey, attempts: Collection[Attempt]) -> set[Attempt]:
        """Drop attempts: do not start those that wait, and stop those that run.

        Return the attempts that had begun, whatever their result. Their numbers must not be used again.
        """
        begun = set()
        with self._lock:
            for attempt in attempts:
                item = self._waiting.pop((key, attempt), None)
                if item is not None:
                    item.is_wanted = False
                    continue
                begun.add(attempt)
                if (key, attempt) in self._running:
                    self._running[key, attempt].set()
        return begun

    def stop(self) -> None:
        """Start no further attempt, and stop those that run. Waiting attempts get the result Dropped."""
        with self._lock:
            self._stopped = True
            for cancel in self._running.values():
                cancel.set()

    def close(self) -> None:
        """Stop all attempts, wait for the threads, and release all resources."""
        self.stop()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for runner in self._runners:
            runner.close()
        for cancel in self._cancels:
            cancel.close()

    def _work(self, runner: TaskRunner, cancel: Flag) -> None:
        while (item := self._queue.get()) is not None:
            is_running = self._begin(item, cancel)
            result = _run(runner, item.key.phase, item.attempt, cancel) if is_running else Dropped(attempt=item.attempt)
            with self._lock:
                self._results.append((item.key, result))
                if is_running:
                    del self._running[item.key, item.attempt]
                if cancel.is_set():  # saves a system call for each attempt
                    cancel.clear()
            if not isinstance(result, Finished) or self._queue.empty():
                self._attend()

    def _begin(self, item: _Item, cancel: Flag) -> bool:
        """Begin an attempt, and return whether it has to run. After ``stop``, no waiting attempt begins."""
        with self._lock:
            if self._stopped or not item.is_wanted:
                return False
            del self._waiting[item.key, item.attempt]
            self._running[item.key, item.attempt] = cancel
            return True


def _run(runner: TaskRunner, phase: Phase, attempt: Attempt, cancel: Flag) -> Result:
    try:
        return runner.run(phase, attempt, cancel)
    except Exception as error:  # noqa: BLE001 - a slot must report every error; the loop raises it again
        return Broken(attempt=attempt, error=error)
