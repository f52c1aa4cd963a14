"""The slots of a worker: threads that take attempts from one queue and run them, one at a time each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from kubemr_shell.board.steps import Attempt, ShardKey
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.job.state import Phase
from kubemr_shell.worker.meter import Status
from kubemr_shell.worker.results import Broken, Dropped, Finished, Result


class TaskRunner(Protocol):
    """Runs attempts for one slot, and keeps between them what makes the next one cheaper."""

    def run(self, phase: Phase, attempt: Attempt, cancel: Cancel) -> Result: ...

    def moved(self) -> int:
        """Bytes that the attempt that runs now has moved so far."""
        ...

    def status(self) -> Status | None:
        """What the command that runs now said last that it is doing."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Item:
    """One attempt in the queue; the same attempt may come twice, when its claim was given back and taken again."""

    key: ShardKey
    attempt: Attempt
    is_wanted: bool = True


class Slots:
    """A fixed number of slots, which begin to run attempts when ``start`` has given them their runners.

    ``attend`` is called from a slot's thread when the loop should look at once.
    """

    def __init__(self, count: int, attend: Callable[[], None]) -> None:
        self.count = count
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._attend = attend
        self._lock = threading.Lock()
        self._waiting: dict[tuple[ShardKey, Attempt], _Item] = {}
        self._running: dict[tuple[ShardKey, Attempt], Cancel] = {}
        self._stopped = False
        self._results: deque[tuple[ShardKey, Result]] = deque()
        self._runners: Sequence[TaskRunner] = ()
        self._cancels: list[Cancel] = []
        """One a slot, for the attempt that it runs."""
        self._threads: list[threading.Thread] = []

    def start(self, runners: Sequence[TaskRunner]) -> None:
        """Give each slot its runner. Once."""
        self._runners = runners
        self._cancels = [Cancel() for _ in runners]
        for both in zip(runners, self._cancels, strict=True):
            thread = threading.Thread(target=self._work, args=both, daemon=True)
            thread.start()  # where the system refuses it, ``close`` waits for those before it
            self._threads.append(thread)

    def put(self, key: ShardKey, attempts: list[Attempt]) -> None:
        items = [_Item(key, attempt) for attempt in attempts]
        with self._lock:  # all of them wait before the first is taken
            self._waiting.update({(key, item.attempt): item for item in items})
        for item in items:
            self._queue.put(item)

    def take_results(self) -> list[tuple[ShardKey, Result]]:
        """What has come back since the last call."""
        results = []
        while self._results:
            results.append(self._results.popleft())
        return results

    def tasks(self, phase: Phase) -> list[int]:
        """The tasks of a phase that wait or run."""
        with self._lock:
            return [attempt.task for key, attempt in (*self._waiting, *self._running) if key.phase is phase]

    def unstarted(self) -> int:
        with self._lock:
            return len(self._waiting)

    def running(self) -> int:
        with self._lock:
            return len(self._running)

    def moved(self) -> int:
        return sum(runner.moved() for runner in self._runners)

    def status(self) -> Status | None:
        """The latest of the commands that run now."""
        return max((said for runner in self._runners if (said := runner.status())), default=None)

    def drop(self, key: ShardKey, attempts: Collection[Attempt]) -> set[Attempt]:
        """Nobody wants these any more: waiting ones are not started, running ones are stopped.

        Those that had begun, whatever became of them: their numbers must not be used again.
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
        """Start nothing more, and stop what runs; what was waiting comes back as dropped."""
        with self._lock:
            self._stopped = True
            for cancel in self._running.values():
                cancel.set()

    def close(self) -> None:
        """Stop everything and wait for the threads."""
        self.stop()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for runner in self._runners:
            runner.close()
        for cancel in self._cancels:
            cancel.close()

    def _work(self, runner: TaskRunner, cancel: Cancel) -> None:
        while (item := self._queue.get()) is not None:
            is_running = self._begin(item, cancel)
            result = _run(runner, item.key.phase, item.attempt, cancel) if is_running else Dropped(attempt=item.attempt)
            with self._lock:
                self._results.append((item.key, result))
                if is_running:
                    del self._running[item.key, item.attempt]
                cancel.clear()
            if not isinstance(result, Finished) or self._queue.empty():
                self._attend()

    def _begin(self, item: _Item, cancel: Cancel) -> bool:
        """Whether the attempt is still to be run; what waits when the slots are stopped has never begun."""
        with self._lock:
            if self._stopped or not item.is_wanted:
                return False
            del self._waiting[item.key, item.attempt]
            self._running[item.key, item.attempt] = cancel
            return True


def _run(runner: TaskRunner, phase: Phase, attempt: Attempt, cancel: Cancel) -> Result:
    try:
        return runner.run(phase, attempt, cancel)
    except Exception as error:  # noqa: BLE001 - a slot must report whatever stops it; the loop raises it again
        return Broken(attempt=attempt, error=error)
