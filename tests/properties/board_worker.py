"""A worker as the board's machine plays it: what the real loop does with claims, without commands and bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Literal, TypeAlias

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.steps import Attempt, Claim, Closing, Finishing, Over, Planning, Preparing, RoleClaim, Working
from kubemr_shell.errors import BoardUnavailable, LeaseLost
from kubemr_shell.job.state import JobState, Phase
from tests.properties.board_storage import Storage

Key = tuple[Phase, int, int]
Action: TypeAlias = Callable[[Random], None]
Manner: TypeAlias = Literal["sensibly", "anyhow", "fail", "look for work"]
"""``sensibly`` is what brings the job on."""


class Worker:
    """A worker of the model. Its claims survive a board that gave up, and are gone with a new worker."""

    def __init__(self, name: str, open_board: Callable[[str], Board], storage: Storage, shape: dict[str, int]) -> None:
        self.name = name
        self.state: JobState | None = None
        self._open_board = open_board
        self._opened: Board | None = None
        self._storage = storage
        self._shape = shape
        self._claims: dict[Key, Claim] = {}
        self._interrupted: set[tuple[Phase, Attempt]] = set()
        self._finished: set[tuple[Phase, Attempt]] = set()
        self._tried: set[tuple[Phase, Attempt]] = set()
        """The attempts of commits that were sent, whatever their answers were."""
        self._role: RoleClaim | None = None
        self._closing: Closing | None = None
        self._is_ready = False

    def act(self, choice: int, manner: Manner = "sensibly") -> None:
        """One action; ``choice`` decides what the manner leaves open."""
        random = Random(choice)
        action: Action
        match manner:
            case "look for work":
                action = self._next
            case "fail" if self._claims:
                action = self._fail
            case "anyhow":
                action = random.choice(self._possible())
            case _:
                action = self._sensible()
        try:
            action(random)
        except BoardUnavailable:
            return

    @property
    def _board(self) -> Board:
        if self._opened is None:
            self._opened = self._open_board(self.name)
        return self._opened

    def _sensible(self) -> Action:
        if self._role:
            return self._plan if self._role.role == "planner" else self._finish
        if self._closing:
            return self._close
        if any(self._unfinished(claim) for claim in self._claims.values()):
            return self._run
        return self._commit if self._claims else self._next

    def _possible(self) -> list[Action]:
        possible: list[Action] = [self._next]
        if self._role:
            possible += [self._plan if self._role.role == "planner" else self._finish] * 2
            possible += [self._renew_role, self._give_back_role]
        if self._closing:
            possible += [self._close] * 2
        if self._claims:
            possible += [self._run, self._run, self._commit, self._commit, self._give_back, self._renew, self._renew]
        return possible

    def _next(self, random: Random) -> None:
        step = self._board.next(is_ready=self._is_ready)
        match step:
            case Preparing():
                self._prepare()
            case Planning() | Finishing():
                self._role = step.claim
            case Working():
                self._hold(step.claim)
            case Closing():
                self._closing = step
            case Over():
                self.state = step.state
                if step.state is None:  # it was retried: a new worker sits here
                    self._opened = None
                    self._is_ready = False

    def _prepare(self) -> None:
        """Settle the plan of a retried job; whoever comes later finds it settled."""
        plan = self._board.known.plan
        if plan is not None and not plan.is_settled:
            plan = self._board.settle(plan.spec, {"file": self.name}).plan
        self._is_ready = plan is not None and plan.is_settled

    def _plan(self, random: Random) -> None:
        assert self._role is not None
        facts = PlanFacts(
            claim_id=self._role.id,
            tasks=self._shape["tasks"],
            partitions=self._shape["partitions"],
            spec={"maxAttempts": self._shape["max_attempts"]},
            fingerprint="f",
            input_bytes=1,
        )
        self._with_role(lambda role: self._board.record_plan(role, facts))

    def _run(self, random: Random) -> None:
        """Do attempts that were not begun; one whose input is gone reports it and is given back with the rest."""
        key, claim = self._pick(random)
        unfinished = self._unfinished(claim)
        for attempt in unfinished[: random.randint(1, len(unfinished))] if unfinished else ():
            if (claim.phase, attempt) not in self._interrupted:
                self._storage.begin(claim.phase, attempt, self.name)
            self._interrupted.add((claim.phase, attempt))
            if not self._read_inputs(claim.phase, attempt):
                self._drop(key)
                return
            self._interrupted.discard((claim.phase, attempt))
            self._storage.write(claim.phase, attempt)
            self._finished.add((claim.phase, attempt))

    def _read_inputs(self, phase: Phase, attempt: Attempt) -> bool:
        """Read them, or publish them. False when that cannot be done now; what is missing was reported then."""
        if phase is Phase.MAP:
            return True
        view = self._board.view()
        assert view.plan is not None
        source = Phase.MAP if phase is Phase.REDUCE else view.plan.output_phase
        shards = range(view.layout(source).shards) if phase is Phase.REDUCE else [attempt.task]
        if any(shard not in view.closed_shards(source) for shard in shards):
            return False
        winners = [winner for shard in shards for winner in self._manifest(view, source, shard)]
        if phase is Phase.REDUCE:
            missing = [winner for winner in winners if (source, *winner) not in self._storage.outputs]
        else:
            self._storage.begin_to_publish(view.result_epoch)
            missing = [winner for winner in winners if not self._storage.publish(source, winner)]
        if missing:
            self._board.reopen(source, missing)
        return not missing

    def _manifest(self, view: JobView, phase: Phase, shard: int) -> list[Attempt]:
        attempts = self._storage.manifests[phase, view.shard_epoch(phase, shard), shard]
        first = view.layout(phase).first(shard)
        return [Attempt(first + index, attempt) for index, attempt in enumerate(attempts)]

    def _commit(self, random: Random) -> None:
        key, claim = self._pick(random)
        finished = [attempt for attempt in claim.attempts if (claim.phase, attempt) in self._finished]
        done = random.sample(finished, random.randint(min(1, len(finished)), len(finished)))
        # A worker repeats a commit without an answer with all the attempts that the commit had, as the loop does.
        done += [attempt for attempt in finished if (claim.phase, attempt) in self._tried and attempt not in done]
        self._tried.update((claim.phase, attempt) for attempt in done)
        self._storage.write_journal(claim.phase, done)
        try:
            self._hold(
                self._board.commit(claim, done, more=random.random() < 0.6, task_seconds=random.choice([0.1, 0.1, 9]))
            )
        except LeaseLost:
            self._lose(key)

    def _fail(self, random: Random) -> None:
        key, claim = self._pick(random)
        candidates = [attempt for attempt in claim.attempts if (claim.phase, attempt) not in self._finished]
        if not candidates:
            return
        try:
            left = self._board.fail(claim, random.choice(candidates), {"reason": "x" * 5000})
        except LeaseLost:
            self._lose(key)
            return
        if left:
            self._hold(left)
        else:
            self._claims.pop(key)

    def _give_back(self, random: Random) -> None:
        key, _ = self._pick(random)
        self._drop(key)

    def _renew(self, random: Random) -> None:
        key, claim = self._pick(random)
        try:
            self._hold(self._board.renew(claim))
        except LeaseLost:
            self._lose(key)

    def _renew_role(self, random: Random) -> None:
        assert self._role is not None
        try:
            self._role = self._board.renew(self._role)
        except LeaseLost:
            self._role = None

    def _give_back_role(self, random: Random) -> None:
        self._with_role(self._board.give_back)

    def _close(self, random: Random) -> None:
        assert self._closing is not None
        total = self._storage.write_manifest(self._closing)
        self._board.close(self._closing, {"test": {"sum": total}}, {"most": {"number": total}, "sum": total})
        self._closing = None

    def _finish(self, random: Random) -> None:
        view = self._board.view()
        role = self._role
        if view.finisher is None or role is None or view.finisher.id != role.id:
            self._role = None
            return
        assert view.plan is not None
        phase = view.plan.output_phase
        parts = {a.task: a.attempt for shard in view.closed_shards(phase) for a in self._manifest(view, phase, shard)}
        self._storage.finish(parts, view.result_epoch)
        self._with_role(lambda role: self._board.complete(role, {"parts": len(parts)}))

    def _with_role(self, call: Callable[[RoleClaim], object]) -> None:
        assert self._role is not None
        with suppress(LeaseLost):
            call(self._role)
        self._role = None

    def _hold(self, claim: Claim) -> None:
        key = (claim.phase, claim.epoch, claim.shard)
        if claim.attempts:
            self._claims[key] = claim
        else:
            self._claims.pop(key, None)
        self._storage.drop(claim.phase, claim.lost)

    def _drop(self, key: Key) -> None:
        claim = self._claims.pop(key)
        self._board.give_back(claim, [a for a in claim.attempts if (claim.phase, *a) in self._storage.begun])

    def _lose(self, key: Key) -> None:
        """The claim is somebody else's: delete what its attempts made."""
        claim = self._claims.pop(key)
        self._storage.drop(claim.phase, claim.attempts)

    def _pick(self, random: Random) -> tuple[Key, Claim]:
        key = random.choice(sorted(self._claims))
        return key, self._claims[key]

    def _unfinished(self, claim: Claim) -> list[Attempt]:
        return [attempt for attempt in claim.attempts if (claim.phase, attempt) not in self._finished]
