"""Test helpers: a job on a real board in a folder, and the loop of a worker for this job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.shard_state import ShardState, parse_state
from kubemr_shell.board.steps import Attempt, Planning
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import Phase
from kubemr_shell.job.validate import spec_to_mapping
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.refusals import Refusals
from kubemr_shell.worker.attempt_results import Finished, Result
from kubemr_shell.worker.close_shard import ShardCloser
from kubemr_shell.worker.finish_job import JobFinisher
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.loop import Loop, Prepared
from kubemr_shell.worker.memory import MemoryPlan
from kubemr_shell.worker.meter import Meter
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.pins import pin_by_times
from kubemr_shell.worker.planning import Planner, as_it_is
from kubemr_shell.worker.slots import Slots, TaskRunner
from kubemr_shell.worker.workspace import Workspace

TASKS = 40
LOCAL = Timing.local()


class Turns(TaskRunner):
    """A runner whose attempts wait for their turn, and then succeed."""

    def __init__(self) -> None:
        self.begun: list[Attempt] = []
        self._turns = threading.Semaphore(0)
        self._cancel: Flag | None = None

    def is_cancelled(self) -> bool:
        """Return whether the waiting attempt is cancelled."""
        return self._cancel is not None and self._cancel.is_set()

    def go_on(self, turns: int) -> None:
        self._turns.release(turns)

    def run(self, phase: Phase, attempt: Attempt, cancel: Flag) -> Result:
        self.begun.append(attempt)
        self._cancel = cancel
        self._turns.acquire()
        return Finished(attempt=attempt, entry=Entry(task=attempt.task, attempt=attempt.attempt, seconds=0.001))

    def moved(self) -> int:
        return 0

    def status(self) -> None:
        """Return no status."""

    def close(self) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Looping:
    """The loop of a worker in its own thread."""

    slots: Slots
    loop: Loop
    thread: threading.Thread


class Site:
    """A job of one shard on a board in ``folder``, not yet planned."""

    def __init__(
        self,
        folder: Path,
        *,
        inputs_from: str | None = None,
        old_result: OldResult | None = None,
        storage: Storage | None = None,
    ) -> None:
        self._folder = folder
        self._storage = storage or LocalStorage()
        self._old_result = old_result
        for name in ("journal", "stage", "plan"):
            (folder / name).mkdir()
        self.store = SqliteStore(str(folder / "board.sqlite"))
        self._spec = JobSpec(map_command="cat", partitions=0, inputs_from=inputs_from or "list")
        Board.create(self.store, name="job", uid="uid", spec=spec_to_mapping(self._spec))
        self.board("owner").deploy()

    def plan(self) -> None:
        """Record a plan with ``TASKS`` map tasks and no reduce tasks."""
        board = self.board("planner")
        step = board.next()
        assert isinstance(step, Planning)
        facts = PlanFacts(
            claim_id=step.claim.id, tasks=TASKS, partitions=0, spec={"maxAttempts": 4}, fingerprint="", input_bytes=0
        )
        board.record_plan(step.claim, facts)

    def board(self, worker: str, clock: Callable[[], float] = time.monotonic) -> Board:
        return Board(self.store, "job", worker, slots=1, workers=2, timing=LOCAL, clock=clock, random=Random(7))

    def view(self) -> JobView:
        return self.board("owner").view()

    def shard(self) -> ShardState:
        (document,) = self.store.list("TaskShard", job="job")
        return parse_state(document)

    @contextmanager
    def looping(
        self, runner: Turns, *, timing: Timing = LOCAL, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[Looping]:
        """Yield a working loop, and stop the loop at the end. Raise the error that has ended it earlier, if any."""
        board = self.board("looping")
        attention, stopping = Flag(), Flag()
        slots = Slots(1, attention.set)
        meter = Meter(str(self._folder / "progress"), slots, time.monotonic)
        planner = self.planner(board, stopping, lease_seconds=timing.lease_seconds)

        def prepare() -> Prepared:
            slots.start([runner])
            job = self.context()
            return Prepared(
                shards=ShardCloser(board, job),
                finisher=JobFinisher(board, job, lease_seconds=timing.lease_seconds, cancel=stopping),
                max_attempts=job.spec.max_attempts,
            )

        loop = Loop(
            board, planner, prepare, slots, meter, timing=timing, clock=clock, attention=attention, stopping=stopping
        )
        errors: list[KubemrError] = []

        def run() -> None:
            try:
                loop.run()
            except KubemrError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Looping(slots=slots, loop=loop, thread=thread)
        finally:
            loop.stop()
            runner.go_on(1000)
            thread.join()
            attention.close()
            stopping.close()
            self.store.close()
        for error in errors:
            raise error

    def planner(
        self, board: Board, stopping: Flag, *, lease_seconds: float = 30, outages: Refusals | None = None
    ) -> Planner:
        """Return the planner of the job. Without ``outages``, a storage that does not answer ends the job."""
        return Planner(
            board,
            lambda view, spec: self.context(),
            as_it_is,
            parallelism=1,
            lease_seconds=lease_seconds,
            cancel=stopping,
            outages=outages or Refusals(budget_seconds=0, clock=time.monotonic, random=Random(7)),
        )

    def context(self) -> JobContext:
        storage, folder = self._storage, str(self._folder)
        return JobContext(
            name="job",
            uid="uid",
            worker="looping",
            spec=self._spec,
            workspace=Workspace(
                storage=storage,
                temporaries=folder,
                scratch=folder,
                logs=folder,
                output_storage=storage,
                output=folder,
                stage=f"{folder}/stage",
            ),
            memory=MemoryPlan(slots=1, share_bytes=1 << 20),
            environment={},
            folder=folder,
            cpus=1,
            old_result=self._old_result or OldResult(storage=storage, output=folder, uid="uid", parts=None),
            maps=TASKS,
            pin=pin_by_times,
        )
