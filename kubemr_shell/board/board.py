"""The board of a job: the rules of claims, leases, commits and phases, above any document store in ``board.stores``.

A worker asks ``Board.next`` for its next step and reports the result of the step. There is no master: workers plan,
take over the tasks of dead workers, close shards, move the job from phase to phase and finish the job. Each change is
one patch of one document, and the patch tests the values on which the decision depends. So a worker may stop at any
point, for any time, and an answer may be lost, doubled or late. tests/properties/test_board_machine.py checks this.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, overload

from kubemr_shell.board import job_moves
from kubemr_shell.board.claim_expiry import ClaimExpiry
from kubemr_shell.board.failure_facts import bounded
from kubemr_shell.board.job_board import JobBoard, create_job
from kubemr_shell.board.job_roles import JobRoles
from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.lane import Totals
from kubemr_shell.board.pacing import Pacing
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_board import ShardBoard
from kubemr_shell.board.shard_closing import can_close, closing_of
from kubemr_shell.board.shard_state import ShardState
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
from kubemr_shell.board.stores.documents import DocumentStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.board.wait_reports import WaitReports
from kubemr_shell.board.writer import Writer
from kubemr_shell.job.counters import Counters
from kubemr_shell.job.state import ENDED, Phase


def _nobody_is_dead(worker: str) -> bool:  # noqa: ARG001 - the signature of the evidence
    return False


def _nobody_listens(text: str) -> None:
    """Drop the text: the default of ``log``."""


class Board:
    """The board of one job as one worker uses it, in one thread at a time.

    ``worker``: the name of this worker; no other worker ever has the same name.
    ``number``: the number of this worker among the ``workers``, from 0, if known. Each worker begins at another shard.
    ``is_dead``: returns whether a worker, given by name, is known from outside the board to be dead.
    ``log``: receives the reason why the worker waits, when its requests are refused.
    """

    def __init__(
        self,
        store: DocumentStore,
        job: str,
        worker: str,
        *,
        slots: int,
        workers: int,
        timing: Timing,
        clock: Callable[[], float],
        random: Random,
        number: int | None = None,
        is_dead: Callable[[str], bool] = _nobody_is_dead,
        sleep: Callable[[float], None] = time.sleep,
        log: Callable[[str], object] = _nobody_listens,
    ) -> None:
        self._timing = timing
        self._workers = workers
        self._clock = clock
        self._random = random
        expiry = ClaimExpiry(expiry_seconds=timing.expiry_seconds, clock=clock, is_dead=is_dead)
        waits = WaitReports(store, job, worker, log)
        self.tell = waits.tell
        """Writes to the log and to the job's status why this worker waits. With None, the worker continues."""
        new_refusals = partial(timing.refusals, clock=clock, random=random, tell=waits.tell)
        self._refused_creations = new_refusals()
        self._was_refused = False
        """True if the store refused a creation since the last call of ``next``."""
        writer = Writer(
            store,
            give_up_seconds=timing.give_up_seconds,
            clock=clock,
            sleep=sleep,
            random=random,
            unreachable=expiry.could_not_look,
            refusals=new_refusals(),
        )
        self._pacing = Pacing(
            timing, workers=workers, number=number, clock=clock, random=random, answer_seconds=lambda: writer.seconds
        )
        self._jobs = JobBoard(writer, job)
        self._roles = JobRoles(self._jobs, expiry, worker=worker, workers=workers, new_id=self._new_id)
        waits.of(self._jobs.uid)
        self._shards = ShardBoard(
            writer,
            expiry,
            job=job,
            uid=self._jobs.uid,
            worker=worker,
            slots=slots,
            workers=workers,
            timing=timing,
            new_id=self._new_id,
        )
        self._cursors: dict[Phase, int] = {}
        self._idle_looks = 0
        self._soonest = math.inf
        """The seconds until the next time that this worker has chosen, as of its last search for work."""
        self._covered_since: dict[tuple[ShardKey, int], float] = {}
        self._known = self._jobs.first_view

    @staticmethod
    def create(store: DocumentStore, *, name: str, uid: str, spec: Mapping[str, Any]) -> None:
        """Create a job on the board, in the state PENDING."""
        create_job(store, name=name, uid=uid, spec=spec)

    @property
    def uid(self) -> str:
        """Return the uid of the job in the store."""
        return self._jobs.uid

    def view(self) -> JobView:
        """Read the job afresh and return its state."""
        self._known = self._jobs.view(fresh=True)
        return self._known

    @property
    def known(self) -> JobView:
        """Return the job as this worker read it last, without a request. The last step is based on this state."""
        return self._known

    def look(self) -> Over | None:
        """Read the job afresh. Return ``Over`` if the job leaves this worker nothing to do, else None."""
        return self._over(self.view())

    def next(self, *, is_ready: bool = True) -> Step:
        """Return the next step of a worker that has a free slot and no attempt that waits to be started.

        A worker that is not ready gets no tasks: as soon as the job has a plan, its step is ``Preparing``.
        """
        view = self._known = self._jobs.view(fresh=False)
        self._soonest = math.inf
        self._was_refused = False
        if over := self._over(view):
            return over
        if job_moves.role_is_open(view, "planner"):
            if view.planner is None and (seconds := self._pacing.to_plan()):
                return Idle(seconds=seconds)
            claim = self._roles.take("planner")
            self._known = self._jobs.seen  # the planner must use the newest spec
            return Planning(claim=claim) if claim else self._idle()
        if view.plan and not is_ready:
            return Preparing()
        if job_moves.role_is_open(view, "finisher"):
            claim = self._roles.take("finisher")
            return Finishing(claim=claim) if claim else self._idle()
        if job_moves.catch_up(view) != view:
            view = self._known = self._jobs.move(job_moves.catch_up)
        if self._shards.runs_suspect:
            return self._idle()
        return self._find_work(view, view.phase) if view.phase else self._idle()

    def claim_together(self, phase: Phase, tasks: int) -> None:
        """Claim ``tasks`` or so tasks of a phase at once: together they cost this worker hardly more than one."""
        self._shards.claim_together(phase, tasks)

    def deploy(self) -> None:
        """Move the job from PENDING to DEPLOYED, so that workers may begin."""
        self._jobs.deploy()

    def record_plan(self, claim: RoleClaim, facts: PlanFacts) -> None:
        """Record the plan, whose splits are written, and begin the first phase.

        Raise LeaseLost if another planner has taken over.
        """
        self._pacing.enter_now(self._roles.record_plan(claim, facts))

    def settle(self, spec: Mapping[str, Any], files: Mapping[str, str]) -> JobView:
        """Fix the spec and the pins of the files for all workers of a retried job, unless another worker has."""
        self._known = self._jobs.settle(spec, files)
        return self._known

    def commit(
        self, claim: Claim, done: Collection[Attempt], *, more: bool, task_seconds: float | None = None
    ) -> Claim:
        """Commit the attempts; with ``more``, claim further tasks of the shard in the same write.

        Return the claim that replaces ``claim``; one without attempts has ended. Raise LeaseLost if it was taken over.
        """
        return self._shards.commit(claim, done, more=more, task_seconds=task_seconds)

    def fail(self, claim: Claim, attempt: Attempt, failure: Mapping[str, object]) -> Claim | None:
        """Count a failed attempt: its task runs again, or the job fails. Return the rest of the claim, if any."""
        state, left = self._shards.fail(self._known, claim, attempt, bounded(failure))
        if state.failed:
            self._fail_with(state)
        return left if left.attempts else None

    def give_back(self, claim: Claim | RoleClaim, started: Collection[Attempt] = ()) -> None:
        """Release the rest of a claim. The tasks of ``started`` get new attempt numbers, but count no failure."""
        if isinstance(claim, RoleClaim):
            self._roles.give_back(claim)
        else:
            self._shards.give_back(claim, started)

    @overload
    def renew(self, claim: Claim) -> Claim: ...

    @overload
    def renew(self, claim: RoleClaim) -> RoleClaim: ...

    def renew(self, claim: Claim | RoleClaim) -> Claim | RoleClaim:
        """Raise the heartbeat of the claim. Raise LeaseLost if another worker has taken the claim over."""
        if isinstance(claim, RoleClaim):
            return self._roles.renew(claim)
        return self._shards.renew(claim)

    def reopen(self, phase: Phase, attempts: Collection[Attempt]) -> list[Attempt]:
        """Order the tasks of these attempts to run again, because their committed outputs are missing or corrupt.

        Ignore attempts that are no longer winners, tasks that are already reopened, and tasks for whose orders the job
        has no room now. Return the attempts whose tasks were ordered.
        """
        layout = self._jobs.view(fresh=True).layout(phase)
        ordered: list[Attempt] = []
        for shard in sorted({layout.shard_of(attempt.task) for attempt in attempts if attempt.task < layout.tasks}):
            first = layout.first(shard)
            spoiled = [(a.task - first, a.attempt) for a in attempts if layout.shard_of(a.task) == shard]
            ordered += (Attempt(first + task, number) for task, number in self._reopen_shard(phase, shard, spoiled))
        return ordered

    def close(self, closing: Closing, counters: Counters, totals: Totals | None = None) -> None:
        """Close a shard whose manifest is written. The last shard of a phase moves the job to the next phase.

        ``counters`` and ``totals`` are the sums of ``closing.counted`` minus the sums of ``closing.replaced``.
        """
        view = self._roles.close(closing, counters, totals or {})
        if view.phase is not closing.phase:
            self._pacing.enter_now(view)

    def complete(self, claim: RoleClaim, results: Mapping[str, Any]) -> None:
        """Make the job COMPLETE; ``_SUCCESS`` is written. Raise LeaseLost if another worker finishes the job."""
        self._roles.complete(claim, results)

    def cleaned(self) -> None:
        """Record that the temporaries of an ended job are removed."""
        self._jobs.cleaned()

    def fail_job(self, failure: Mapping[str, object]) -> None:
        """Fail the job; an ended job stays unchanged. Raise IllegalTransition if the job publishes its results."""
        self._jobs.fail(failure)

    def cancel(self) -> None:
        """Cancel the job. Raise IllegalTransition if the job has ended or publishes its results."""
        self._jobs.cancel()

    def retry(self, spec: Mapping[str, Any] | None = None) -> None:
        """Continue a job in FAIL or CANCELLED with its uncommitted tasks. ``spec`` replaces the resolved spec."""
        self._jobs.retry(spec)

    def redo_reduces(self, spec: Mapping[str, Any]) -> None:
        """Keep the maps and repeat the rest under this spec. Raise IllegalTransition if the job publishes."""
        self._jobs.redo_reduces(spec)

    def redo_maps(self, spec: Mapping[str, Any]) -> None:
        """Keep the plan and repeat every task. Raise IllegalTransition if the job publishes."""
        self._jobs.redo_maps(spec)

    def _over(self, view: JobView) -> Over | None:
        if not self._jobs.is_over(view):
            return None
        return Over(state=view.state if view.state in ENDED else None)

    def _find_work(self, view: JobView, phase: Phase) -> Step:
        """Return a step in an open shard. Begin at the shard that had work last, so that each has its turn."""
        for key in self._shards.covered_here(phase, view.base(phase), view.closed_shards(phase)):
            step = self._probe(view, key)
            if step:
                return step
        if seconds := self._pacing.to_enter(view, phase):
            # The pause is bounded, because the job may end before this worker's time comes.
            return Idle(seconds=min(seconds, self._soonest, self._timing.longest_pause_seconds))
        is_idle = self._idle_looks > 0 and self._timing.longest_idle_seconds > 0
        keys = list(self._in_turn(view, phase))[: 1 if is_idle else self._timing.probes]
        for stealing in (False, True) if self._workers > 1 else (False,):
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
        start = self._cursors.setdefault(phase, self._pacing.home(shards))
        still_open = Ranges.span(0, shards) - view.closed_shards(phase)
        for shard in (*(still_open - Ranges.span(0, start)), *(still_open - Ranges.span(start, shards))):
            yield _key(view, phase, shard)

    def _probe(self, view: JobView, key: ShardKey, *, stealing: bool = False) -> Step | None:
        look = self._shards.look(view, key, stealing=stealing)
        if look.refusal:
            self._was_refused = True
            self._refused_creations.met(look.refusal)  # this worker pauses as one without work does
        if look.claim:
            self._refused_creations.passed()
            return Working(claim=look.claim)
        if look.state.failed and (ended := self._fail_with(look.state)):
            return Over(state=ended.state)
        if can_close(view, key.phase, key.shard, look.state) and self._is_ours_to_close(view, key):
            return closing_of(view, key.phase, key.shard, look.state)
        return None

    def _is_ours_to_close(self, view: JobView, key: ShardKey) -> bool:
        """Return whether this worker should close the shard now. The last committer comes first; others wait."""
        if self._workers == 1:
            return True
        if self._shards.was_covered_here(key):
            seconds = self._pacing.to_close(view, key)
            self._soonest = min(self._soonest, seconds or math.inf)
            return seconds == 0
        now = self._clock()
        since = self._covered_since.setdefault((key, view.shard_epoch(key.phase, key.shard)), now)
        return now - since >= self._timing.close_patience_seconds

    def _fail_with(self, state: ShardState) -> JobView | None:
        """Fail the job because one of its tasks has failed, unless the job was retried since then."""
        failure = state.failure
        assert failure is not None

        def move(view: JobView) -> JobView:
            is_void = view.state in ENDED or view.publishing or view.retry != failure.retry
            return view if is_void else job_moves.fail(view, failure.facts)

        view = self._jobs.move(move)
        return view if view.state in ENDED else None

    def _reopen_shard(self, phase: Phase, shard: int, spoiled: list[tuple[int, int]]) -> list[tuple[int, int]]:
        still: list[tuple[int, int]] = []

        def move(view: JobView) -> JobView:
            nonlocal still
            # Read the shard after the job: whoever changes a winner in between raises the job's turn.
            state = self._shards.state(_key(view, phase, shard)) if job_moves.may_reopen(view, phase) else None
            if state is None:
                still = []
                return view
            ordered = {order.task for order in view.orders(phase, shard) if order.epoch > state.epoch}
            still = [
                (task, attempt) for task, attempt in spoiled if state.has_won(task, attempt) and task not in ordered
            ][: job_moves.room_for_orders(view, phase)]
            return job_moves.reopen(view, phase=phase, shard=shard, spoiled=still) if still else view

        self._jobs.move(move)
        return still

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
