"""Test helpers: several workers on one board in a file, with one clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import PlanFacts
from kubemr_shell.board.steps import Attempt, Claim, Closing, Finishing, Idle, Over, Planning, Step, Working
from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import BoardUnavailable, Forbidden, UnknownAnswer
from kubemr_shell.job.state import JobState, Phase

TIMING = Timing(
    lease_seconds=10.0,
    batch_seconds=1.0,
    least_batch_seconds=1.0,
    idle_seconds=1.0,
    close_patience_seconds=5.0,
    probes=4,
    give_up_seconds=60.0,
    commit_seconds=1.0,
    state_seconds=1.0,
)


class Wire(SqliteStore):
    """The connection of one worker to the board.

    ``before_patch`` is called once before the next write. ``losses`` are lost answers, as in test_writer.
    """

    before_patch: Callable[[], object] | None = None
    losses: list[bool]
    is_down: bool = False
    refused: frozenset[str] = frozenset()
    """The refused requests of this worker: ``patch``, ``get`` or ``create``; with a kind: ``patch TaskShard``."""
    past: dict[str, Document] | None = None
    """The old documents that cheap reads return, by name."""
    calls: dict[str, int]

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.losses = []
        self.calls = {"get": 0, "create": 0, "patch": 0}

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        self.calls["get"] += 1
        if self.is_down:
            raise BoardUnavailable("down")
        self._check("get", kind)
        if self.past and not fresh and name in self.past:
            return self.past[name]
        return super().get(kind, name, fresh=fresh)

    def create(self, document: Mapping[str, Any]) -> Document:
        self._interfere()
        self.calls["create"] += 1
        self._check("create", document["kind"])
        return self._lossy(lambda: super(Wire, self).create(document))

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        self._interfere()
        self.calls["patch"] += 1
        self._check("patch", kind)
        return self._lossy(lambda: super(Wire, self).patch(kind, name, operations))

    def _check(self, call: str, kind: str) -> None:
        if self.refused & {call, f"{call} {kind}"}:
            raise Forbidden(f"{call} of {kind}: exceeded quota")

    def _interfere(self) -> None:
        interference, self.before_patch = self.before_patch, None
        if interference:
            interference()

    def _lossy(self, write: Callable[[], Document]) -> Document:
        if not self.losses:
            return write()
        if self.losses.pop(0):
            write()
        raise UnknownAnswer("lost")


class Workshop:
    """A job with workers, which are made on demand. Each worker keeps its wire and its board."""

    def __init__(
        self, folder: Path, *, workers: int = 2, slots: int = 2, max_attempts: int = 2, timing: Timing = TIMING
    ) -> None:
        self.path = str(folder / "board.db")
        self.now = 0.0
        self.workers = workers
        self.slots = slots
        self.timing = timing
        self.spec = {"maxAttempts": max_attempts}
        self.dead: set[str] = set()
        self.during_pause: Callable[[], object] | None = None
        self.wires: dict[str, Wire] = {}
        self.log: list[str] = []
        """The texts that the workers have logged."""
        self._boards: dict[str, Board] = {}
        Board.create(self.wire("user"), name="job", uid="uid-1", spec=self.spec)
        self.worker("user").deploy()

    def wire(self, worker: str) -> Wire:
        if worker not in self.wires:
            self.wires[worker] = Wire(self.path)
        return self.wires[worker]

    def worker(self, name: str) -> Board:
        if name not in self._boards:
            self._boards[name] = Board(
                self.wire(name),
                "job",
                name,
                slots=self.slots,
                workers=self.workers,
                timing=self.timing,
                clock=lambda: self.now,
                random=Random(name),
                is_dead=self.dead.__contains__,
                sleep=self.sleep,
                log=self.log.append,
            )
        return self._boards[name]

    def sleep(self, seconds: float) -> None:
        """Pause a worker that repeats a write. ``during_pause`` is called once in the pause."""
        self.now += seconds
        happening, self.during_pause = self.during_pause, None
        if happening:
            happening()

    def plan(self, tasks: int, partitions: int = 1, worker: str = "user") -> None:
        planner = self.worker(worker)
        step = planner.next()
        assert isinstance(step, Planning)
        facts = PlanFacts(
            claim_id=step.claim.id,
            tasks=tasks,
            partitions=partitions,
            spec=self.spec,
            fingerprint="f",
            input_bytes=1,
        )
        planner.record_plan(step.claim, facts)

    def claim(self, worker: str) -> Claim:
        step = self.worker(worker).next()
        assert isinstance(step, Working), step
        return step.claim

    def run(self, worker: str, *, until: Callable[[Step], bool] = lambda step: isinstance(step, Over)) -> Step:
        """Let one worker carry out its steps, up to the step that is returned."""
        board = self.worker(worker)
        while not until(step := board.next()):
            match step:
                case Working():
                    claim = step.claim
                    while claim.attempts:
                        claim = board.commit(claim, claim.attempts[: self.slots], more=True)
                case Closing():
                    board.close(step, {"g": {"n": len(step.counted) - len(step.replaced)}})
                case Finishing():
                    board.complete(step.claim, {"parts": 1})
                case Idle():
                    self.now += step.seconds
                case _:
                    raise AssertionError(step)
        return step

    def run_to(self, phase: Phase, worker: str = "user") -> None:
        """Run the job up to the first claim of a phase, and give this claim back."""
        step = self.run(worker, until=lambda step: isinstance(step, Working) and step.claim.phase is phase)
        assert isinstance(step, Working)
        self.worker(worker).give_back(step.claim)

    def state(self) -> JobState:
        return self.worker("user").view().state


def tasks(claim: Claim) -> list[int]:
    return [attempt.task for attempt in claim.attempts]


def attempts(*pairs: tuple[int, int]) -> tuple[Attempt, ...]:
    return tuple(Attempt(*pair) for pair in pairs)
