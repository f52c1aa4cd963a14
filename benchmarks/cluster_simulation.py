"""Simulates a job of any size: ``python -m benchmarks.cluster_simulation [--tasks N] [--workers N] ...``.

The Board, its rules, and the patches with their tests are real. The clock, the API server and the tasks are simulated.
The API server answers after a random time around a given mean, which ``cluster_bench`` can measure. The times of the
tasks vary like those of real tasks. A cheap read (``resourceVersion=0``) returns a document of the age ``--lag-ms``.

Each worker is a greenlet. While a worker waits for the server or for a task, other workers run.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import greenlet

from benchmarks.stand_in import CountingStore, StandIn
from kubemr_shell.board.stores import json_patch
from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import AlreadyExists, DocumentNotFound
from kubemr_shell.job.kinds import JOB_KIND, SHARD_KIND
from kubemr_shell.job.state import JobState
from tests.support.board_documents import NotAsked

Version = tuple[float, Document]
"""The time of a write, and the document after it."""


class Clock:
    """A simulated clock, which runs greenlets in the order of the times for which they wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, greenlet.greenlet]] = []
        self._count = 0
        self._hub = greenlet.getcurrent()

    def start(self, work: Callable[[], None], at: float) -> None:
        """Run ``work`` in a greenlet from the time ``at`` on."""
        self._push(at, greenlet.greenlet(work, self._hub))

    def sleep(self, seconds: float) -> None:
        """Let other greenlets run until the clock is ``seconds`` later."""
        self._push(self.now + seconds, greenlet.getcurrent())
        self._hub.switch()

    def run(self) -> None:
        """Run all greenlets until they have ended."""
        while self._waiting:
            self.now, _, waiter = heapq.heappop(self._waiting)
            waiter.switch()

    def _push(self, at: float, waiter: greenlet.greenlet) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, waiter))


class SimulatedStore(NotAsked):
    """A simulated API server for all workers.

    ``read_seconds`` and ``write_seconds`` are the mean times of an answer. ``lag`` is the age of a cheap read.
    """

    def __init__(self, clock: Clock, random: Random, *, read_seconds: float, write_seconds: float, lag: float) -> None:
        self._clock = clock
        self._random = random
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds
        self._lag = lag
        self._documents: dict[tuple[str, str], list[Version]] = {}
        self._version = 0
        self.written: list[float] = []
        """The times of all writes that took effect."""
        self.bytes_written = 0
        self.largest = 0

    def begin(self) -> None:
        """Add a job that waits to be planned."""
        metadata = {"name": "job", "uid": "uid-job", "resourceVersion": "0"}
        status = {"state": JobState.DEPLOYED.value, "turn": 0}
        job = {"kind": JOB_KIND, "metadata": metadata, "spec": {}, "status": status}
        self._documents[JOB_KIND, "job"] = [(-math.inf, job)]

    def create(self, document: Mapping[str, Any]) -> Document:
        key = (document["kind"], document["metadata"]["name"])
        self._half(self._write_seconds)
        if key in self._documents:
            self._half(self._write_seconds)
            raise AlreadyExists(key[1])
        stored = {**document, "metadata": {"uid": f"uid-{len(self._documents)}", **document["metadata"]}}
        return self._stored(key, stored)

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        self._half(self._read_seconds)
        versions = self._documents.get((kind, name), [])
        seen = self._clock.now if fresh else self._clock.now - self._lag
        found = next((document for at, document in reversed(versions) if at <= seen), None)
        self._half(self._read_seconds)
        if found is None:
            raise DocumentNotFound(name)
        return found

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        self._half(self._write_seconds)
        versions = self._documents.get((kind, name))
        if versions is None:
            raise DocumentNotFound(name)
        before = versions[-1][1]
        after = json_patch.apply(before, operations)
        if after == before:
            self._half(self._write_seconds)
            return before
        return self._stored((kind, name), after)

    def _stored(self, key: tuple[str, str], document: Document) -> Document:
        self._version += 1
        document["metadata"] = {**document["metadata"], "resourceVersion": str(self._version)}
        versions = self._documents.setdefault(key, [])
        versions.append((self._clock.now, document))
        while len(versions) > 2 and versions[1][0] <= self._clock.now - self._lag:
            del versions[0]
        self.written.append(self._clock.now)
        if self._version % 50 == 0:  # the size is only sampled: JSON costs more than all the rest
            size = len(json.dumps(document))
            self.bytes_written += 50 * size
            self.largest = max(self.largest, size if key[0] == SHARD_KIND else 0)
        self._half(self._write_seconds)
        return document

    def _half(self, seconds: float) -> None:
        self._clock.sleep(seconds * self._random.uniform(0.25, 0.75))


def simulated(arguments: argparse.Namespace) -> dict[str, Any]:
    """Simulate one job. Return its measured values."""
    clock, random, counts = Clock(), Random(arguments.seed), Counter[str]()
    read, write = arguments.read_ms / 1000, arguments.write_ms / 1000
    store = SimulatedStore(clock, random, read_seconds=read, write_seconds=write, lag=arguments.lag_ms / 1000)
    counting = CountingStore(store, counts, clock=lambda: clock.now)
    store.begin()
    ends: Counter[JobState] = Counter()

    def work(number: int) -> None:
        mine = Random(number)
        worker = StandIn(
            counting,
            "job",
            f"w{number}",
            tasks=arguments.tasks,
            slots=arguments.slots,
            workers=arguments.workers,
            number=number,
            task_seconds=arguments.seconds,
            timing=Timing.cluster(arguments.workers),
            random=mine,
            clock=lambda: clock.now,
            sleep=clock.sleep,
            varied=lambda: mine.lognormvariate(-0.35, math.sqrt(0.7)),
        )
        ends[worker.run()] += 1

    for number in range(arguments.workers):
        clock.start(lambda number=number: work(number), random.uniform(0, arguments.workers / arguments.starts))  # type: ignore[misc]
    began = time.monotonic()
    clock.run()
    assert ends == {JobState.COMPLETE: arguments.workers}, ends
    last = max(store.written)
    ideal = arguments.tasks * arguments.seconds / (arguments.workers * arguments.slots)
    return {
        "tasks": arguments.tasks,
        "workers": arguments.workers,
        "slots": arguments.slots,
        "task seconds": arguments.seconds,
        "complete after": round(last, 1),
        "times the ideal": round(last / ideal, 2),
        "writes": counts["writes"],
        "writes a second": round(counts["writes"] / last, 1),
        "at most, in 10 s": _peak(store.written),
        "reads a second": round(counts["reads"] / last, 1),
        "conflicts %": round(100 * counts["conflicts"] / counts["writes"], 2),
        "kB a second to etcd": round(store.bytes_written / last / 1000, 1),
        "largest shard": store.largest,
        "simulated in": round(time.monotonic() - began, 1),
        "details": {name: count for name, count in sorted(counts.items()) if "conflict:" in name},
    }


def _peak(times: Sequence[float], window: float = 10.0) -> float:
    buckets = Counter(int(at / window) for at in times)
    return round(max(buckets.values()) / window, 1)


def main() -> None:
    """Simulate one job and print its values as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="mean seconds of a task")
    parser.add_argument("--read-ms", type=float, default=5.0)
    parser.add_argument("--write-ms", type=float, default=12.0)
    parser.add_argument("--lag-ms", type=float, default=20.0)
    parser.add_argument("--starts", type=float, default=200.0, help="workers that start in a second")
    parser.add_argument("--seed", type=int, default=1)
    sys.stdout.write(json.dumps(simulated(parser.parse_args())) + "\n")


if __name__ == "__main__":
    main()
