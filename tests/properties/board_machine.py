"""The machine that plays workers, a user and a hostile store against each other; see test_board_machine.py.

``planted`` names the test operations that the store leaves out: a bug that the machine has to find.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_moves import reduce_anew
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import parse_job
from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import BoardUnavailable, IllegalTransition
from kubemr_shell.job.state import ENDED, JobState
from tests.properties.board_invariants import check_all, check_job, check_shard
from tests.properties.board_players import Outcome, Player, PlayersStore
from tests.properties.board_storage import Storage
from tests.properties.board_worker import Manner, Worker
from tests.support.board_documents import History

SEATS = 3
USER = SEATS
STEPS_TO_THE_END = 300
TIMING = Timing(
    lease_seconds=10.0,
    batch_seconds=1.0,
    least_batch_seconds=0.5,
    idle_seconds=1.0,
    close_patience_seconds=5.0,
    probes=2,
    give_up_seconds=10_000.0,
    commit_seconds=1.0,
    state_seconds=1.0,
)
IMPATIENT = Timing(
    lease_seconds=10.0,
    batch_seconds=1.0,
    idle_seconds=1.0,
    close_patience_seconds=0.0,
    probes=4,
    give_up_seconds=0.0,
    commit_seconds=1.0,
    state_seconds=1.0,
)

seats = st.integers(0, SEATS - 1)
players = st.integers(0, SEATS)
manners: st.SearchStrategy[Manner] = st.sampled_from(
    ["sensibly", "sensibly", "sensibly", "look for work", "anyhow", "fail", "fail"]
)
choices = st.integers(0, 1 << 20)
orders = st.sampled_from(["cancel", "redo_reduces", "redo_maps"])
reads: st.SearchStrategy[Outcome] = st.sampled_from(["answered", "answered", "old", "down"])
writes: st.SearchStrategy[Outcome] = st.sampled_from(
    ["answered", "lost before", "lost after", "lost after", "lost, comes late", "comes twice", "comes twice"]
)


class BoardMachine(RuleBasedStateMachine):
    planted: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made = 0
        self.openings: Counter[str] = Counter()
        self.spoils_left = 3
        self.storage = Storage()
        self.name = "job"
        self.spec: dict[str, Any] = {"maxAttempts": 2}
        self.history = self._new_history()
        self.anew = False
        self.players = [Player() for _ in range(SEATS + 1)]
        self.workers: list[Worker] = []
        self.shape: dict[str, int] = {}

    @initialize(
        tasks=st.sampled_from([1, 2, 4, 8, 12]),
        partitions=st.integers(0, 2),
        agents=st.sampled_from([2, 2, 20, 40]),
        slots=st.integers(1, 2),
        max_attempts=st.integers(1, 2),
        reached=st.sampled_from(["DEPLOYED", "MAP", "MAP", "REDUCE", "PUBLISH"]),
        further=st.integers(0, 3),
    )
    def start(
        self, tasks: int, partitions: int, agents: int, slots: int, max_attempts: int, reached: str, further: int
    ) -> None:
        """The job is new, or a first worker has brought it some way and then vanished.

        Of every other job the reduces are asked for again once it is complete.
        """
        self.anew = further % 2 == 1 and partitions > 0 and self.planted is None
        self.shape = {
            "tasks": tasks,
            "partitions": partitions,
            "agents": agents,
            "slots": slots,
            "max_attempts": max_attempts,
        }
        self._create_job()
        self._board("first", self.history).deploy()
        self.workers = [self._worker(seat) for seat in range(SEATS)]
        pioneer = Worker("pioneer", lambda name: self._board(name, self.history), self.storage, self.shape)
        while self._state() not in (reached, JobState.PUBLISH):
            pioneer.act(0)
            self.now += 1.0
        for step in range(further):
            pioneer.act(step)

    @rule(seat=seats, choice=choices, manner=manners, times=st.integers(1, 3))
    def act_undisturbed(self, seat: int, choice: int, manner: Manner, times: int) -> None:
        """Finish what the player is in, or do some things from beginning to end."""
        player = self.players[seat]
        if not player.is_idle:
            self._finish(player)
            return
        for time in range(times):
            self._begin(seat, choice + time, manner)
            self._finish(player)

    @rule(seat=seats, choice=choices, manner=manners)
    def act_and_stop_before_writing(self, seat: int, choice: int, manner: Manner) -> None:
        """The worker stays there, for as long as the machine likes."""
        player = self.players[seat]
        if player.is_idle:
            self._begin(seat, choice, manner)
        self._go_to_write(player)

    @rule(seat=seats, by=seats, choice=choices, manner=manners, others_manner=manners, times=st.integers(1, 3))
    def is_overtaken(self, seat: int, by: int, choice: int, manner: Manner, others_manner: Manner, times: int) -> None:
        """One stops before it writes, another does some things meanwhile, then the first goes on."""
        self.act_and_stop_before_writing(seat, choice, manner)
        if by != seat:
            self.act_undisturbed(by, choice, others_manner, times)
        self._finish(self.players[seat])

    @rule(
        seat=seats,
        by=seats,
        choice=choices,
        manner=manners,
        what=st.sampled_from(["cancel", "redo_reduces", "redo_maps"]),
    )
    def is_overtaken_by_a_user(self, seat: int, by: int, choice: int, manner: Manner, what: str) -> None:
        """One stops before it writes, the job begins again and another works on it, then the first goes on."""
        self.act_and_stop_before_writing(seat, choice, manner)
        self._finish(self.players[USER])
        self.ask(what, whole=True)
        self.ask("retry", whole=True)
        if by != seat:
            self.act_undisturbed(by, choice, "sensibly", 2)
        self._finish(self.players[seat])

    @rule(seat=seats, choice=choices, manner=manners, outcome=writes)
    def act_with_a_bad_answer(self, seat: int, choice: int, manner: Manner, outcome: Outcome) -> None:
        """The first write goes wrong; then the worker goes on undisturbed."""
        self.act_and_stop_before_writing(seat, choice, manner)
        self.answer(seat, "answered", outcome, 1)
        self._finish(self.players[seat])

    @rule(seat=players, read=reads, write=writes, age=st.integers(1, 4))
    def answer(self, seat: int, read: Outcome, write: Outcome, age: int) -> None:
        """One call gets its answer, or none."""
        player = self.players[seat]
        if player.call is not None:
            player.release(write if player.call.is_write else read, age)

    @rule(seat=seats, choice=choices, age=st.integers(1, 6))
    def act_on_old_reads(self, seat: int, choice: int, age: int) -> None:
        player = self.players[seat]
        if player.is_idle:
            self._begin(seat, choice, "sensibly")
            while player.call is not None and not player.call.is_write:
                player.release("old", age)

    @precondition(lambda self: self.history.in_flight)
    @rule(data=st.data(), again=st.booleans())
    def deliver(self, data: st.DataObject, again: bool) -> None:
        """A write that was under way for long arrives."""
        index = data.draw(st.integers(0, len(self.history.in_flight) - 1))
        self.history.deliver(index, again=again)

    @rule(seconds=st.sampled_from([1.0, 6.0, 30.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(seat=seats)
    def kill(self, seat: int) -> None:
        """Another worker takes the seat."""
        self.players[seat].kill()
        self.workers[seat] = self._worker(seat)

    @precondition(lambda self: self.spoils_left > 0)
    @rule(choice=choices)
    def spoil(self, choice: int) -> None:
        """A committed output is lost: of what is not published yet, as nothing can be done about that."""
        committed = sorted(self.storage.outputs & self.storage.journal)
        if committed:
            self.spoils_left -= 1
            self.storage.spoil(committed[choice % len(committed)])

    @rule(
        what=st.sampled_from(["retry", "retry", "redo_reduces", "redo_reduces", "redo_maps", "fail_job", "cancel"]),
        whole=st.booleans(),
    )
    def ask(self, what: str, whole: bool) -> None:
        """A user, or an operator, wants something; a job that is to go on is deployed as well."""
        player = self.players[USER]
        if player.is_idle:
            if self._state() in (JobState.FAIL, JobState.CANCELLED):
                what = "retry"
            player.begin(lambda: self._ask(what))
            if whole:
                self._finish(player)
            else:
                self._go_to_write(player)

    @invariant()
    def nothing_is_wrong(self) -> None:
        if self.shape:
            check_all(self.history, self.storage)

    def teardown(self) -> None:
        """(f) One worker that lives ends the job, in a bounded number of steps; nothing that comes late revives it."""
        try:
            if self.shape and sys.exc_info()[0] is None:
                self._one_worker_ends_the_job("survivor")
                if self.anew and self._state() is JobState.COMPLETE:
                    self._reduce_anew()
                    for player in self.players[:1]:  # it has slept through the end, and through the retry
                        self._finish(player)
                    self._one_worker_ends_the_job("second survivor")
                state = self._state()
                while self.history.in_flight:
                    self.history.deliver(0, again=False)
                for player in self.players:
                    self._finish(player)
                check_all(self.history, self.storage)
                assert state is not JobState.COMPLETE or self._state() is state
        finally:
            for player in self.players:
                player.end()

    def _reduce_anew(self) -> None:
        """As the operator does, by one patch."""
        document = self.history.get("MapReduceJob", self.name)
        view = parse_job(document)
        moved = reduce_anew(view, {"maxAttempts": self.shape["max_attempts"], "reduceCommand": "another"})
        self.history.patch("MapReduceJob", self.name, job_patch(document["metadata"]["uid"], view, moved))

    def _one_worker_ends_the_job(self, name: str) -> None:
        store = self.history
        if self._state() not in ENDED and self._board("user", store).view().phase is None:
            self._board("user", store).deploy()
        survivor = Worker(name, lambda name: self._board(name, store), self.storage, self.shape)
        for step in range(STEPS_TO_THE_END):
            survivor.act(step)
            self.now += 1.0
            check_all(self.history, self.storage)
            if survivor.state:
                return
        raise AssertionError(f"(f) one worker did not end the job: {self.history.all('MapReduceJob')}")

    def _begin(self, seat: int, choice: int, manner: Manner) -> None:
        worker = self.workers[seat]
        self.players[seat].begin(lambda: worker.act(choice, manner))

    def _finish(self, player: Player) -> None:
        for _ in range(200):
            if player.call is None:
                return
            player.release()
        raise AssertionError(f"no end of it: {player.call}")

    def _go_to_write(self, player: Player) -> None:
        while player.call is not None and not player.call.is_write:
            player.release()

    def _ask(self, what: str) -> None:
        board = self._board(f"user-{self._next_number()}", PlayersStore(self.players[USER], self.history))
        asked: dict[str, Callable[[], None]] = {
            "cancel": board.cancel,
            "retry": board.retry,
            "redo_reduces": lambda: board.redo_reduces(self.spec),
            "redo_maps": lambda: board.redo_maps(self.spec),
            "fail_job": lambda: board.fail_job({"reason": "too late"}),
        }
        with suppress(IllegalTransition, BoardUnavailable):
            asked[what]()
            board.deploy()

    def _new_history(self) -> History:
        return History(self._changed, self._is_planted)

    def _create_job(self) -> None:
        Board.create(self.history, name=self.name, uid="uid-job", spec=self.spec)

    def _state(self) -> JobState:
        return JobState(self.history.get("MapReduceJob", self.name)["status"]["state"])

    def _worker(self, seat: int) -> Worker:
        store = PlayersStore(self.players[seat], self.history)
        return Worker(f"w{seat}-{self._next_number()}", lambda name: self._board(name, store), self.storage, self.shape)

    def _board(self, name: str, store: PlayersStore | History) -> Board:
        """Open the board. Each opening has a random sequence of its own, as in a worker: no id of a claim comes twice.

        A commit that replaced a claim by one of the same id would look like a task that was won without a claim.
        """
        self.openings[name] += 1
        return Board(
            store,
            self.name,
            name,
            slots=self.shape["slots"],
            workers=self.shape["agents"],
            timing=IMPATIENT if name.endswith("3") else TIMING,
            clock=lambda: self.now,
            random=Random(name * self.openings[name]),
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _next_number(self) -> int:
        self.made += 1
        return self.made

    def _changed(self, kind: str, before: Document | None, after: Document) -> None:
        check = check_shard if kind == "TaskShard" else check_job
        check(before, after)

    def _is_planted(self, operation: Operation) -> bool:
        return self.planted is not None and re.fullmatch(self.planted, operation["path"]) is not None
