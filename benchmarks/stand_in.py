"""Stand-in workers: they use the real Board and its rules, but wait instead of running commands.

A stand-in uses the board as ``worker/loop.py`` does. It claims tasks, commits the done tasks when it has no task left
to start, renews claims in time, closes shards, publishes, and finishes the job. Instead of starting a process, it
waits ``task_seconds`` for each round of its slots. It writes nothing to a storage.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import PlanFacts
from kubemr_shell.board.steps import Claim, Closing, Finishing, Idle, Over, Planning, Working
from kubemr_shell.board.stores.documents import Document, DocumentStore, Operation
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import AlreadyExists, BoardUnavailable, Conflict, LeaseLost
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import JOBS
from tests.support.board_documents import NotAsked


class StandIn:
    """A worker that runs no command."""

    def __init__(
        self,
        store: DocumentStore,
        job: str,
        worker: str,
        *,
        tasks: int,
        slots: int,
        workers: int,
        number: int,
        task_seconds: float,
        timing: Timing,
        random: Random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        varied: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """``varied`` returns the time of a task as a multiple of the mean. ``Board`` documents the other parameters."""
        self._board = Board(
            store,
            job,
            worker,
            slots=slots,
            workers=workers,
            timing=timing,
            clock=clock,
            random=random,
            number=number,
            sleep=sleep,
        )
        self._varied = varied
        self._tasks = tasks
        self._slots = slots
        self._task_seconds = task_seconds
        self._timing = timing
        self._sleep = sleep

    def run(self) -> JobState:
        """Work until the job is over. Return the final state of the job."""
        while True:
            try:
                step = self._board.next()
                match step:
                    case Over():
                        assert step.state is not None, "nobody retries its job"
                        return step.state
                    case Idle():
                        self._sleep(step.seconds)
                    case Planning():
                        self._board.record_plan(step.claim, _plan(step.claim.id, self._tasks))
                    case Working():
                        self._work(step.claim)
                    case Closing():
                        self._board.close(step, counters={}, totals={"tasks": len(step.winners)})
                    case Finishing():
                        self._board.complete(step.claim, {"parts": self._tasks})
            except LeaseLost:
                continue

    def _work(self, claim: Claim) -> None:
        while claim.attempts:
            attempts = claim.attempts
            claim = self._wait_for(claim)
            still_held = set(claim.attempts)
            kept = [attempt for attempt in attempts if attempt in still_held]
            claim = self._board.commit(claim, kept, more=True, task_seconds=max(self._task_seconds, 1e-6))

    def _wait_for(self, claim: Claim) -> Claim:
        """Wait for the time of the claim's tasks, and renew the claim meanwhile. Return the claim."""
        busy = sum(self._task_seconds * self._varied() for _ in claim.attempts)
        left = busy / min(self._slots, len(claim.attempts))
        while left > self._timing.lease_seconds:
            self._sleep(self._timing.lease_seconds)
            left -= self._timing.lease_seconds
            claim = self._board.renew(claim)
        if left > 0:
            self._sleep(left)
        return claim


def create_deployed(client: KubeClient, namespace: str, name: str, **spec: Any) -> None:
    """Create a job that waits to be planned, as an operator leaves it. No stand-in reads the inputs."""
    client.create(JOBS, namespace, {"metadata": {"name": name}, "spec": {"inputs": ["none"], **spec}})
    status = {"status": {"state": JobState.DEPLOYED.value, "turn": 0}}
    client.patch(JOBS, namespace, name, status, status=True)


class CountingStore(NotAsked):
    """A store that forwards all requests to another store, and counts them. All workers of a process share it."""

    def __init__(
        self, store: DocumentStore, counts: Counter[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._store = store
        self._counts = counts

    def create(self, document: Mapping[str, Any]) -> Document:
        return self._counted("writes", f"create {document['kind']}", lambda: self._store.create(document))

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        return self._counted("reads", f"get {kind}", lambda: self._store.get(kind, name, fresh=fresh))

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        return self._counted("writes", f"patch {kind}", lambda: self._store.patch(kind, name, operations))

    def _counted(self, what: str, detail: str, call: Callable[[], Document]) -> Document:
        self._counts[what] += 1
        self._counts[detail] += 1
        began = self._clock()
        try:
            return call()
        except (Conflict, AlreadyExists):
            self._counts["conflicts"] += 1
            self._counts[f"conflict: {detail}"] += 1
            raise
        except BoardUnavailable as error:
            self._counts["throttled" if error.retry_after else "unavailable"] += 1
            raise
        finally:
            self._counts[f"ms of {what}"] += round(1000 * (self._clock() - began))


def _plan(claim_id: str, tasks: int) -> PlanFacts:
    """Return the plan of a map-only job."""
    return PlanFacts(claim_id=claim_id, tasks=tasks, partitions=0, spec={}, fingerprint="", input_bytes=0)
