"""Who works on what: the rules of claims, leases, commits and phases, above any document store.

A worker asks ``next`` what to do and reports what became of it. There is no master: workers plan, take over from the
dead, close shards, move the job from phase to phase and finish it. Every change is one patch of one document that
tests what the decision relied on, so a worker may be stopped at any point, for any time, and an answer may be
lost, come twice or late. tests/properties/test_board_machine.py holds it to that.

One Board belongs to one worker and is used by one thread at a time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, overload

from kubemr_shell.board import job_moves
from kubemr_shell.board.closing import can_close, closing_of
from kubemr_shell.board.documents import DocumentStore
from kubemr_shell.board.failure_facts import bounded
from kubemr_shell.board.job_board import JobBoard, create_job
from kubemr_shell.board.job_view import JobView, PlanFacts
from kubemr_shell.board.lane import Totals
from kubemr_shell.board.observer import Observer
from kubemr_shell.board.own_times import OwnTimes
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard import ShardState
from kubemr_shell.board.shard_board import ShardBoard
from kubemr_shell.board.steps import (
    Attempt,
    Claim,
    Closing,
    Finishing,
    Idle,
    Over,
    Planning,
    Preparing,
    RoleClaim,
    ShardKey,
    Step,
    Working,
)
from kubemr_shell.board.timing import Timing
from kubemr_shell.board.waits import Waits
from kubemr_shell.board.writer import Writer
from kubemr_shell.job.counters import Counters
from kubemr_shell.job.state import ENDED, Phase
from kubemr_shell.net.refusals import LONGEST_PAUSE_SECONDS, Refusals


def _nobody_is_dead(worker: str) -> bool:  # noqa: ARG001 - the signature of the evidence
    return False


def _nobody_listens(text: str) -> None:
    """Drop what is told."""


def _one_by_one(phase: Phase) -> int:  # noqa: ARG001 - every phase
    return 1


class Board:
    """``worker`` names this worker and no other, ever. ``is_dead``: evidence from outside that a worker is gone.

    ``number``: which of the ``agents`` it is, from 0, where that is known: so each begins at a place of its own.
    ``together``: how many tasks of a phase cost this worker hardly more than one.
    ``log``: is told what the worker waits for, when its requests are refused.
    """

    def __init__(
        self,
        store: DocumentStore,
        job: str,
        worker: str,
        *,
        slots: int,
        agents: int,
        timing: Timing,
        clock: Callable[[], float],
        random: Random,
        number: int | None = None,
        is_dead: Callable[[str], bool] = _nobody_is_dead,
        together: Callable[[Phase], int] = _one_by_one,
        sleep: Callable[[float], None] = time.sleep,
        log: Callable[[str], object] = _nobody_listens,
    ) -> None:
        self._timing = timing
        self._agents = agents
        self._clock = clock
        self._random = random
        observer = Observer(expiry_seconds=timing.expiry_seconds, clock=clock, is_dead=is_dead)
        waits = Waits(store, job, worker, log)
        self.tell = waits.tell
        """Says in the log and in the status of the job what this worker waits for; None: it goes on."""
        new_refusals = partial(
            Refusals,
            budget_seconds=timing.refused_seconds,
            clock=clock,
            random=random,
            longest_pause=max(LONGEST_PAUSE_SECONDS, timing.longest_pause_seconds),
            tell=waits.tell,
        )
        self._refused_creations = new_refusals()
        self._was_refused = False
        """Whether a creation was refused since the last step was asked for."""
        writer = Writer(
            store,
            give_up_seconds=timing.give_up_seconds,
            clock=clock,
            sleep=sleep,
            random=random,
            unreachable=observer.could_not_look,
            refusals=new_refusals(),
        )
        self._times = OwnTimes(
            timing,
            agents=agents,
            number=number,
            clock=clock,
            random=random,
            answer_seconds=lambda: writer.seconds,
        )
        self._jobs = JobBoard(writer, observer, job=job, worker=worker, agents=agents, new_id=self._new_id)
        waits.of(self._jobs.uid)
        self._shards = ShardBoard(
            writer,
            observer,
            job=job,
            uid=self._jobs.uid,
            worker=worker,
            slots=slots,
            agents=agents,
            timing=timing,
            new_id=self._new_id,
            together=together,
        )
        self._cursors: dict[Phase, int] = {}
        self._idle_looks = 0
        self._soonest = math.inf
        """Until the next of the times that this agent has chosen, as the last look for work found."""
        self._covered_since: dict[tuple[ShardKey, int], float] = {}
        self._known = self._jobs.first_view

    @staticmethod
    def create(store: DocumentStore, *, name: str, uid: str, spec: Mapping[str, Any]) -> None:
        """Put a new job on the board, PENDING."""
        create_job(store, name=name, uid=uid, spec=spec)

    @property
    def uid(self) -> str:
        """Of the job, as the store knows it."""
        return self._jobs.uid

    def view(self) -> JobView:
        """The job as it is now."""
        self._known = self._jobs.view(fresh=True)
        return self._known

    @property
    def known(self) -> JobView:
        """The job as it was read last: what the last step stands on. Asks nobody."""
        return self._known

    def look(self) -> Over | None:
        """Whether the job as it is now leaves this worker nothing to do."""
        return self._over(self.view())

    def next(self, *, is_ready: bool = True) -> Step:
        """Say what to do now, to a worker with a free slot and no attempt waiting to be started.

        A worker that is not ready is given no work of a plan, but told to prepare as soon as there is a plan.
        """
        view = self._known = self._jobs.view(fresh=False)
        self._soonest = math.inf
        self._was_refused = False
        if over := self._over(view):
            return over
        if job_moves.role_is_open(view, "planner"):
            if view.planner is None and (seconds := self._times.to_plan()):
                return Idle(seconds=seconds)
            claim = self._jobs.take_role("planner")
            self._known = self._jobs.seen  # the planner plans the spec that stands there now
            return Planning(claim=claim) if claim else self._idle()
        if view.plan and not is_ready:
            return Preparing()
        if job_moves.role_is_open(view, "finisher"):
            claim = self._jobs.take_role("finisher")
            return Finishing(claim=claim) if claim else self._idle()
        if job_moves.catch_up(view) != view:
            view = self._known = self._jobs.move(job_moves.catch_up)
        if self._shards.runs_suspect:
            return self._idle()
        return self._find_work(view, view.phase) if view.phase else self._idle()

    def deploy(self) -> None:
        """From PENDING to DEPLOYED: the workers may begin."""
        self._jobs.deploy()

    def record_plan(self, claim: RoleClaim, facts: PlanFacts) -> None:
        """The splits are written: begin the first phase. LeaseLost when another planner took over."""
        self._times.enter_now(self._jobs.record_plan(claim, facts))

    def settle(self, spec: Mapping[str, Any], files: Mapping[str, str]) -> JobView:
        """Fix the spec and the pins of the files for all workers of a retried job, unless one was faster."""
        self._known = self._jobs.settle(spec, files)
        return self._known

    def commit(
        self, claim: Claim, done: Collection[Attempt], *, more: bool, task_seconds: float | None = None
    ) -> Claim:
        """Make these attempts win; with ``more``, claim further tasks of the shard in the same write.

        What it returns replaces the claim; without attempts it is at its end. LeaseLost when it was taken over.
        """
        return self._shards.commit(claim, done, more=more, task_seconds=task_seconds)

    def fail(self, claim: Claim, attempt: Attempt, failure: Mapping[str, object]) -> Claim | None:
        """A command has failed: its task is tried again, or the job fails. Returns what is left of the claim."""
        state, left = self._shards.fail(self._known, claim, attempt, bounded(failure))
        if state.failed:
            self._fail_with(state)
        return left if left.attempts else None

    def give_back(self, claim: Claim | RoleClaim, started: Collection[Attempt] = ()) -> None:
        """Return all that is left of a claim. ``started`` gets new attempt numbers; it counts as no failure."""
        if isinstance(claim, RoleClaim):
            self._jobs.give_back_role(claim)
        else:
            self._shards.give_back(claim, started)

    @overload
    def renew(self, claim: Claim) -> Claim: ...

    @overload
    def renew(self, claim: RoleClaim) -> RoleClaim: ...

    def renew(self, claim: Claim | RoleClaim) -> Claim | RoleClaim:
        """Show that the holder lives. LeaseLost when it came too late."""
        if isinstance(claim, RoleClaim):
            return self._jobs.renew_role(claim)
        return self._shards.renew(claim)

    def reopen(self, phase: Phase, attempts: Collection[Attempt]) -> None:
        """The committed outputs of these attempts are missing or corrupt: their tasks are done again.

        Nothing happens for those that are no longer the winners, or that were reopened already.
        """
        layout = self._jobs.view(fresh=True).layout(phase)
        for shard in sorted({layout.shard_of(attempt.task) for attempt in attempts if attempt.task < layout.tasks}):
            spoiled = [(a.task - layout.first(shard), a.attempt) for a in attempts if layout.shard_of(a.task) == shard]
            self._reopen_shard(phase, shard, spoiled)

    def close(self, closing: Closing, counters: Counters, totals: Totals | None = None) -> None:
        """The manifest of the shard is written: close it, and move the job on when it was the last of its phase.

        ``counters`` and ``totals`` cover what ``closing.counted`` names, less what ``closing.replaced`` names.
        """
        view = self._jobs.close(closing, counters, totals or {})
        if view.phase is not closing.phase:
            self._times.enter_now(view)

    def complete(self, claim: RoleClaim, results: Mapping[str, Any]) -> None:
        """``_SUCCESS`` is written: the job is COMPLETE. LeaseLost when another worker finishes it."""
        self._jobs.complete(claim, results)

    def cleaned(self) -> None:
        """The temporaries of a job that has ended are gone."""
        self._jobs.move(job_moves.cleaned)

    def fail_job(self, failure: Mapping[str, object]) -> None:
        """The job cannot succeed. Nothing happens when that is over; IllegalTransition when it publishes."""
        facts = bounded(failure)
        self._jobs.move(lambda view: view if self._jobs.is_over(view) else job_moves.fail(view, facts))

    def cancel(self) -> None:
        """IllegalTransition once the job has ended or publishes its results."""
        self._jobs.move(job_moves.cancel)

    def retry(self, spec: Mapping[str, Any] | None = None) -> None:
        """Go on after FAIL or CANCELLED, with what is not committed. ``spec`` replaces the resolved one."""
        self._jobs.retry(spec)

    def redo_reduces(self, spec: Mapping[str, Any]) -> None:
        """Keep the maps and do the rest again under this spec. IllegalTransition once results are being published."""
        self._jobs.redo(Phase.REDUCE, spec)

    def redo_maps(self, spec: Mapping[str, Any]) -> None:
        """Keep the plan and do every task again. IllegalTransition once results are being published."""
        self._jobs.redo(Phase.MAP, spec)

    def _over(self, view: JobView) -> Over | None:
        if not self._jobs.is_over(view):
            return None
        return Over(state=view.state if view.state in ENDED else None)

    def _find_work(self, view: JobView, phase: Phase) -> Step:
        """Look at open shards, going on from the one that had work last, and so in time at each of them."""
        for key in self._shards.covered_here(phase, view.base(phase), view.closed_shards(phase)):
            step = self._probe(view, key)
            if step:
                return step
        if seconds := self._times.to_enter(view, phase):
            # It looks at the job meanwhile: it may be over before this agent's time has come.
            return Idle(seconds=min(seconds, self._soonest, self._timing.longest_pause_seconds))
        is_idle = self._idle_looks > 0 and self._timing.longest_idle_seconds > 0
        keys = list(self._in_turn(view, phase))[: 1 if is_idle else self._timing.probes]
        for stealing in (False, True) if self._agents > 1 else (False,):
            for key in keys:
                step = self._probe(view, key, stealing=stealing)
                if step:
                    self._cursors[phase] = key.shard
                    self._idle_looks = 0
                    return step
        if keys:
            self._cursors[phase] = keys[-1].shard + 1
            if not self._was_refused:
                self._refused_creations.passed()
        return self._idle()

    def _in_turn(self, view: JobView, phase: Phase) -> Iterator[ShardKey]:
        shards = view.layout(phase).shards
        start = self._cursors.setdefault(phase, self._times.home(shards))
        still_open = Ranges.span(0, shards) - view.closed_shards(phase)
        for shard in (*(still_open - Ranges.span(0, start)), *(still_open - Ranges.span(start, shards))):
            yield _key(view, phase, shard)

    def _probe(self, view: JobView, key: ShardKey, *, stealing: bool = False) -> Step | None:
        look = self._shards.look(view, key, stealing=stealing)
        if look.refusal:
            self._was_refused = True
            self._refused_creations.met(look.refusal)  # the pauses are those of a worker without work
        if look.claim:
            self._refused_creations.passed()
            return Working(claim=look.claim)
        if look.state.failed and (ended := self._fail_with(look.state)):
            return Over(state=ended.state)
        if can_close(view, key.phase, key.shard, look.state) and self._is_ours_to_close(view, key):
            return closing_of(view, key.phase, key.shard, look.state)
        return None

    def _is_ours_to_close(self, view: JobView, key: ShardKey) -> bool:
        """The last committer closes a shard, soon; others give it time to."""
        if self._agents == 1:
            return True
        if self._shards.was_covered_here(key):
            seconds = self._times.to_close(view, key)
            self._soonest = min(self._soonest, seconds or math.inf)
            return seconds == 0
        now = self._clock()
        since = self._covered_since.setdefault((key, view.shard_epoch(key.phase, key.shard)), now)
        return now - since >= self._timing.close_patience_seconds

    def _fail_with(self, state: ShardState) -> JobView | None:
        """The job fails with a task of it, unless it was retried since that one failed."""
        failure = state.failure
        assert failure is not None

        def move(view: JobView) -> JobView:
            is_void = view.state in ENDED or view.publishing or view.retry != failure.retry
            return view if is_void else job_moves.fail(view, failure.facts)

        view = self._jobs.move(move)
        return view if view.state in ENDED else None

    def _reopen_shard(self, phase: Phase, shard: int, spoiled: list[tuple[int, int]]) -> None:
        def move(view: JobView) -> JobView:
            """The shard is read after the job: who would change a winner of it in between raises the job's turn."""
            state = self._shards.state(_key(view, phase, shard)) if job_moves.may_reopen(view, phase) else None
            if state is None:
                return view
            ordered = {order.task for order in view.orders(phase, shard) if order.epoch > state.epoch}
            still = [
                (task, attempt) for task, attempt in spoiled if state.has_won(task, attempt) and task not in ordered
            ]
            return job_moves.reopen(view, phase=phase, shard=shard, spoiled=still) if still else view

        self._jobs.move(move)

    def _idle(self) -> Idle:
        timing = self._timing
        if self._soonest < timing.idle_seconds:
            return Idle(seconds=self._soonest)
        longer = timing.idle_seconds * 1.5**self._idle_looks
        self._idle_looks = min(self._idle_looks + 1, 20)
        seconds = min(longer, timing.longest_pause_seconds)
        return Idle(seconds=seconds + self._random.uniform(0, timing.jitter_seconds))

    def _new_id(self) -> str:
        return f"{self._random.getrandbits(64):016x}"


def _key(view: JobView, phase: Phase, shard: int) -> ShardKey:
    return ShardKey(phase=phase, epoch=view.base(phase), shard=shard)
