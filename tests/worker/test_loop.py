"""The loop of a worker against a real board, with slots whose attempts end when the test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_view import PlanFacts
from kubemr_shell.board.shard import ShardState, parse_state
from kubemr_shell.board.sqlite import SqliteStore
from kubemr_shell.board.steps import Attempt, Planning, Working
from kubemr_shell.board.timing import Timing
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import Phase
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.worker.attention import Attention
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.loop import Loop
from kubemr_shell.worker.memory import MemoryPlan
from kubemr_shell.worker.meter import Meter
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.results import Finished, Result
from kubemr_shell.worker.slots import Slots, TaskRunner
from kubemr_shell.worker.stages import Stages
from kubemr_shell.worker.workspace import Workspace

DEADLINE_SECONDS = 30.0
TASKS = 40


class Turns(TaskRunner):
    """Each attempt waits for its turn, and then has done its work."""

    def __init__(self) -> None:
        self.begun: list[Attempt] = []
        self._turns = threading.Semaphore(0)

    def go_on(self, turns: int) -> None:
        self._turns.release(turns)

    def run(self, phase: Phase, attempt: Attempt, cancel: Cancel) -> Result:
        self.begun.append(attempt)
        self._turns.acquire()
        return Finished(attempt=attempt, entry=Entry(task=attempt.task, attempt=attempt.attempt, seconds=0.001))

    def moved(self) -> int:
        return 0

    def close(self) -> None:
        pass


class Site:
    """A job of one shard on a board in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "journal").mkdir()
        self.store = SqliteStore(str(folder / "board.sqlite"))
        Board.create(self.store, name="job", uid="uid", spec={"maxAttempts": 4})
        board = self.board("planner")
        board.deploy()
        step = board.next()
        assert isinstance(step, Planning)
        facts = PlanFacts(
            claim_id=step.claim.id, tasks=TASKS, partitions=0, spec={"maxAttempts": 4}, fingerprint="", input_bytes=0
        )
        board.record_plan(step.claim, facts)

    def board(self, worker: str) -> Board:
        return Board(
            self.store, "job", worker, slots=1, agents=2, timing=Timing.local(), clock=time.monotonic, random=Random(7)
        )

    def shard(self) -> ShardState:
        (document,) = self.store.list("TaskShard", job="job")
        return parse_state(document)

    @contextmanager
    def looping(self, runner: Turns) -> Iterator[Slots]:
        board = self.board("looping")
        attention = Attention()
        slots = Slots([runner], attention.set)
        meter = Meter(str(self._folder / "progress"), slots.moved, time.monotonic)
        stages = Stages(board, self._context(), parallelism=1, lease_seconds=Timing.local().lease_seconds)
        loop = Loop(board, stages, slots, meter, timing=Timing.local(), clock=time.monotonic, attention=attention)
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            yield slots
        finally:
            loop.stop()
            runner.go_on(1000)
            thread.join()
            self.store.close()

    def _context(self) -> JobContext:
        storage, folder = LocalStorage(), str(self._folder)
        return JobContext(
            name="job",
            uid="uid",
            worker="looping",
            spec=JobSpec(map_command="cat", partitions=0),
            workspace=Workspace(storage=storage, temporaries=folder, scratch=folder, logs=folder, output=folder),
            memory=MemoryPlan(slots=1, share_bytes=1 << 20),
            environment={},
            folder=folder,
            old_result=OldResult(storage=storage, output=folder, uid="uid", parts=None),
            maps=lambda: TASKS,
        )


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_tasks_that_another_worker_has_stolen_are_not_run(tmp_path: Path) -> None:
    site, runner = Site(tmp_path), Turns()
    with site.looping(runner) as slots:
        runner.go_on(1)
        wait_until(lambda: len(runner.begun) == 2)
        waiting = {task for claim in site.shard().claims.values() for task in claim.tasks} - {runner.begun[1].task}
        thief = site.board("thief")
        stolen: set[int] = set()
        while not stolen:
            step = thief.next()
            assert isinstance(step, Working)
            stolen = waiting & {attempt.task for attempt in step.claim.attempts}
        for done in (2, 3):
            runner.go_on(1)
            wait_until(lambda done=done: len(site.shard().done) == done)  # type: ignore[misc]
        runner.go_on(TASKS)
        wait_until(lambda: slots.unstarted() == 0)
    assert not {Attempt(task, 0) for task in stolen} & set(runner.begun)
