"""The loop of a worker: claim, run, commit, until the job is over.

The loop decides when to ask the board, and carries out each step. The board has the rules of claims, and the slots run
the tasks. The loop runs in one thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from kubemr_shell.board.board import Board
from kubemr_shell.board.steps import (
    Attempt,
    Claim,
    Closing,
    Finishing,
    Idle,
    Over,
    Planning,
    Preparing,
    ShardKey,
    Step,
    Working,
)
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import FolderRemoved, JobFolderGone, KubemrError, LeaseLost, Sequel, StorageError
from kubemr_shell.job.names import task_label
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import Cancelled
from kubemr_shell.worker.attempt_results import Broken, Dropped, Failed, Finished, Result, Spoiled
from kubemr_shell.worker.close_shard import ShardCloser
from kubemr_shell.worker.finish_job import JobFinisher
from kubemr_shell.worker.meter import Meter
from kubemr_shell.worker.planning import Planner
from kubemr_shell.worker.slots import Slots

LOSSES_IN_A_ROW = 10
"""The number of failed steps in a row after which other workers cannot be the cause, but lost files of the job are."""
REOPENINGS_OF_A_TASK = 10
"""The number of reopenings of a task, seen by one worker, after which their cause counts as permanent."""


@dataclass(slots=True)
class Held:
    """A claim of this worker, with the attempts that its slots have finished since the last commit."""

    claim: Claim
    written_at: float
    finished: list[Finished] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The parts of a worker that exist only after the job has a plan."""

    shards: ShardCloser
    finisher: JobFinisher
    max_attempts: int
    """The greatest number of attempts of a task."""


class Loop:
    """The loop of one worker for one job."""

    def __init__(
        self,
        board: Board,
        planner: Planner,
        prepare: Callable[[], Prepared],
        slots: Slots,
        meter: Meter,
        *,
        timing: Timing,
        clock: Callable[[], float],
        attention: Flag,
        stopping: Flag,
    ) -> None:
        """Make a loop.

        ``prepare``: starts the slots for the plan of the job, once there is a plan.
        ``attention``: wakes the loop when a slot has nothing to do, or an attempt did not succeed.
        ``stopping``: is set by ``stop``. The planner and the finisher stop at this flag too.
        """
        self._board = board
        self._planner = planner
        self._prepare = prepare
        self._prepared_parts: Prepared | None = None
        self._slots = slots
        self._meter = meter
        self._timing = timing
        self._clock = clock
        self._attention = attention
        self._stopping = stopping
        self._held: dict[ShardKey, Held] = {}
        self._ended: JobState | None = None
        self._losses = 0
        self._reopened: Counter[tuple[Phase, int]] = Counter()
        self._failed_late: Counter[tuple[Phase, int]] = Counter()
        self._looked_at = clock()
        self._committed_at = clock()

    def stop(self) -> None:
        """Make ``run`` give back all claims and return soon. Any thread or signal handler may call this method."""
        self._stopping.set()
        self._attention.set()

    def run(self) -> JobState | None:
        """Work on the job. Return the state in which it ended, or None if the loop stopped before the end.

        The loop also stops if the job was retried meanwhile, because it has other workers then.
        """
        try:
            while self._ended is None and not self._stopping.is_set():
                self._attention.clear()
                self._take_results()
                self._commit_what_is_due()
                self._renew()
                self._report()
                self._wait(self._advance())
        finally:
            self._leave()
        return self._ended

    def _advance(self) -> float:
        """Find work for a free slot, if any. Return the seconds after which the loop must look again."""
        if self._slots.unstarted() or self._slots.running() >= self._slots.count:
            self._look_at_state()
            return min(self._timing.commit_seconds, self._timing.state_seconds)
        try:
            return self._carry_out(self._board.next(is_ready=self._prepared_parts is not None))
        except (LeaseLost, JobFolderGone) as error:
            self._losses += 1
            if self._losses == LOSSES_IN_A_ROW:
                raise StorageError(
                    f"{self._losses} steps of this worker failed in a row: {error}: files of the job may be removed",
                    sequel=Sequel.BEGINS_ANEW,
                ) from error
            return 0.0

    def _carry_out(self, step: Step) -> float:
        match step:
            case Planning():
                self._planner.plan(step.claim)
            case Preparing():
                with suppress(Cancelled):
                    self._prepared_parts = self._prepare()
            case Working():
                self._take(step.claim, self._new_attempts(step.claim))
                return 0.0
            case Closing():
                self._close(step)
            case Finishing():
                self._prepared.finisher.finish(step.claim)
            case Idle():
                return step.seconds
            case Over():
                self._end(step)
        self._losses = 0
        return 0.0

    @property
    def _prepared(self) -> Prepared:
        """Return the prepared parts. They exist, because the board gives tasks only to a prepared worker."""
        assert self._prepared_parts is not None
        return self._prepared_parts

    def _close(self, step: Closing) -> None:
        missing = self._prepared.shards.close(step)
        if missing:
            self._reopen(step.phase, missing, "it is not in the journal")

    def _new_attempts(self, claim: Claim) -> list[Attempt]:
        held = self._held.get(claim.key)
        known = set(held.claim.attempts) if held else set()
        return [attempt for attempt in claim.attempts if attempt not in known]

    def _take(self, claim: Claim, new: list[Attempt]) -> None:
        """Hold the present form of a claim, and hand its new attempts to the slots."""
        key = claim.key
        held = self._held.get(key)
        finished = held.finished if held else []
        kept = [result for result in finished if result.attempt not in claim.lost]
        if claim.attempts:
            self._held[key] = Held(claim=claim, written_at=self._clock(), finished=kept)
        else:
            self._held.pop(key, None)
        self._slots.drop(key, claim.lost)
        self._slots.put(key, new)
        self._abandon(key, [result for result in finished if result.attempt in claim.lost])

    def _take_results(self) -> None:
        for key, result in self._slots.take_results():
            held = self._held.get(key)
            if held is not None and result.attempt in held.claim.attempts:
                self._take_result(key, held, result)
            elif isinstance(result, Finished):
                self._abandon(key, [result])
            elif isinstance(result, Broken):
                raise result.error

    def _take_result(self, key: ShardKey, held: Held, result: Result) -> None:
        match result:
            case Finished():
                held.finished.append(result)
            case Failed():
                self._commit(key, more=False)
                self._fail(key, result)
            case Spoiled():
                self._reopen(result.phase, result.lost, result.reason)
                self._give_back(key)
            case Dropped():
                self._lose(key, result.cause)
            case Broken():
                raise result.error

    def _reopen(self, phase: Phase, lost: Sequence[Attempt], reason: str) -> None:
        """Order the tasks of lost outputs to run again. Raise StorageError if outputs are lost again and again."""
        for attempt in lost:
            if self._reopened[phase, attempt.task] >= REOPENINGS_OF_A_TASK:
                raise StorageError(
                    f"the output of {task_label(phase, attempt.task)} is lost or damaged again and again ({reason}): "
                    "find and remove the cause",
                    sequel=Sequel.GOES_ON,
                )
        self._reopened.update((phase, attempt.task) for attempt in self._board.reopen(phase, lost))

    def _lose(self, key: ShardKey, cause: KubemrError | None) -> None:
        """Forget a claim whose files are gone; if the board still has the claim, raise an error with the cause."""
        try:
            self._take(self._board.renew(self._held[key].claim), [])
        except LeaseLost:
            self._forget(key)
        else:
            if isinstance(cause, FolderRemoved):
                raise cause
            raise StorageError(f"files of this job were removed while it runs: {cause}", sequel=Sequel.BEGINS_ANEW)

    def _fail(self, key: ShardKey, result: Failed) -> None:
        held = self._held.get(key)
        if held is None:
            return
        self._looked_at = float("-inf")
        view = self._board.known
        if view.publishing:
            self._failed_late[key.phase, result.attempt.task] += 1
            if result.final or self._failed_late[key.phase, result.attempt.task] >= self._prepared.max_attempts:
                raise result.while_publishing()
        if result.final:
            self._board.fail_job(result.failure)
            return
        try:
            claim = self._board.fail(held.claim, result.attempt, result.failure)
        except LeaseLost:
            self._forget(key)
            return
        if claim is None:
            self._held.pop(key, None)
        else:
            self._take(claim, self._new_attempts(claim))

    def _commit_what_is_due(self) -> None:
        hungry = self._slots.unstarted() == 0
        due = hungry or self._clock() - self._committed_at >= self._timing.commit_seconds
        if not due:
            return
        for key in list(self._held):
            if self._held[key].finished:
                self._commit(key, more=hungry)
        self._committed_at = self._clock()

    def _commit(self, key: ShardKey, *, more: bool) -> None:
        held = self._held[key]
        if not held.finished:
            return
        entries = [result.entry for result in held.finished]
        done = [result.attempt for result in held.finished]
        try:
            self._prepared.shards.write_journal(held.claim, entries)
        except JobFolderGone as error:
            self._lose(key, error)
            return
        try:
            claim = self._board.commit(
                held.claim, done, more=more, task_seconds=sum(entry.seconds for entry in entries) / len(entries)
            )
        except LeaseLost:
            self._forget(key)
            return
        for entry in entries:
            self._meter.add(key.phase, entry.bytes_in)
        new = self._new_attempts(claim)
        held.finished = [result for result in held.finished if result.attempt in claim.lost]
        self._take(claim, new)

    def _renew(self) -> None:
        for key, held in list(self._held.items()):
            if self._clock() - held.written_at < self._timing.lease_seconds:
                continue
            try:
                self._take(self._board.renew(held.claim), [])
            except LeaseLost:
                self._forget(key)

    def _forget(self, key: ShardKey) -> None:
        """Drop a claim that another worker has taken over: stop its attempts and delete their outputs."""
        held = self._held.pop(key)
        self._slots.drop(key, held.claim.attempts)
        self._abandon(key, held.finished)

    def _abandon(self, key: ShardKey, finished: Sequence[Finished]) -> None:
        """Delete the outputs of attempts that cannot win any more. Their numbers are never used again."""
        if finished:
            self._prepared.shards.abandon(key.phase, [result.attempt for result in finished])

    def _give_back(self, key: ShardKey) -> None:
        """Commit the finished attempts of a claim, and release the rest for other workers."""
        self._commit(key, more=False)
        held = self._held.pop(key, None)
        if held is None:
            return
        started = self._slots.drop(key, held.claim.attempts)
        try:
            self._board.give_back(held.claim, started)
        except LeaseLost:
            return

    def _report(self) -> None:
        phases = [key.phase for key in self._held]
        self._meter.report(phases[0] if phases else None)

    def _look_at_state(self) -> None:
        """End the loop if the job has ended elsewhere while all slots are busy."""
        if self._clock() - self._looked_at < self._timing.state_seconds:
            return
        self._looked_at = self._clock()
        if over := self._board.look():
            self._end(over)

    def _end(self, over: Over) -> None:
        """End the loop. Without a state, the job continues with other workers, so all claims are given back."""
        self._ended = over.state
        if over.state is None:
            self.stop()

    def _wait(self, seconds: float) -> None:
        if seconds and not self._stopping.is_set() and self._ended is None:
            self._attention.wait(seconds)

    def _leave(self) -> None:
        """Stop the slots, commit their finished attempts, and give back the rest."""
        self._slots.stop()
        self._slots.close()
        for key, result in self._slots.take_results():
            held = self._held.get(key)
            if held is not None and isinstance(result, Finished):
                held.finished.append(result)
        for key, held in list(self._held.items()):
            if self._ended is None:
                self._give_back(key)
            else:
                self._abandon(key, held.finished)
