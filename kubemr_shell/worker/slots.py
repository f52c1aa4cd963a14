"""The slots of a worker: threads that take attempts from one queue and run them, one at a time each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Protocol

from kubemr_shell.board.steps import Attempt, ShardKey
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.job.state import Phase
from kubemr_shell.worker.results import Broken, Dropped, Finished, Result


class TaskRunner(Protocol):
    """Runs attempts for one slot, and keeps between them what makes the next one cheaper."""

    def run(self, phase: Phase, attempt: Attempt, cancel: Cancel) -> Result: ...

    def moved(self) -> int:
        """Bytes that the attempt that runs now has moved so far."""
        ...

    def close(self) -> None: ...


class Slots:
    """A fixed number of slots. ``attend`` is called from a slot's thread when the loop should look at once."""

    def __init__(self, runners: Sequence[TaskRunner], attend: Callable[[], None]) -> None:
        self._queue: SimpleQueue[tuple[ShardKey, Attempt] | None] = SimpleQueue()
        self._attend = attend
        self._lock = threading.Lock()
        self._running: dict[tuple[ShardKey, Attempt], Cancel] = {}
        self._unwanted: set[tuple[ShardKey, Attempt]] = set()
        self._begun: set[tuple[ShardKey, Attempt]] = set()
        self._stopped = False
        self._results: deque[tuple[ShardKey, Result]] = deque()
        self._runners = runners
        self._threads = [threading.Thread(target=self._work, args=(runner,), daemon=True) for runner in runners]
        for thread in self._threads:
            thread.start()

    def put(self, key: ShardKey, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            self._queue.put((key, attempt))

    def take_results(self) -> list[tuple[ShardKey, Result]]:
        """What has come back since the last call."""
        results = []
        while self._results:
            results.append(self._results.popleft())
        return results

    @property
    def count(self) -> int:
        return len(self._runners)

    def unstarted(self) -> int:
        return self._queue.qsize()

    def running(self) -> int:
        with self._lock:
            return len(self._running)

    def started(self, key: ShardKey) -> set[Attempt]:
        """The attempts of a shard that were begun and came to no end of their own."""
        with self._lock:
            return {attempt for begun_key, attempt in self._begun if begun_key == key}

    def moved(self) -> int:
        return sum(runner.moved() for runner in self._runners)

    def drop(self, key: ShardKey, attempts: set[Attempt]) -> None:
        """Nobody wants these any more: running ones are stopped, waiting ones are not started."""
        with self._lock:
            for attempt in attempts:
                cancel = self._running.get((key, attempt))
                if cancel is None:
                    self._unwanted.add((key, attempt))
                else:
                    cancel.set()

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

    def _work(self, runner: TaskRunner) -> None:
        while (item := self._queue.get()) is not None:
            key, attempt = item
            cancel = Cancel()
            with self._lock:
                unwanted = self._stopped or item in self._unwanted
                self._unwanted.discard(item)
                if not unwanted:
                    self._running[item] = cancel
                    self._begun.add(item)
            result = Dropped(attempt=attempt) if unwanted else _run(runner, key.phase, attempt, cancel)
            with self._lock:
                self._running.pop(item, None)
                if not isinstance(result, Dropped):
                    self._begun.discard(item)
            self._results.append((key, result))
            cancel.close()
            if not isinstance(result, Finished) or self._queue.empty():
                self._attend()


def _run(runner: TaskRunner, phase: Phase, attempt: Attempt, cancel: Cancel) -> Result:
    try:
        return runner.run(phase, attempt, cancel)
    except Exception as error:  # noqa: BLE001 - a slot must report whatever stops it; the loop raises it again
        return Broken(attempt=attempt, error=error)
