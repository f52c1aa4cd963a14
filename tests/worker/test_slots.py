"""Tests of the attempts that a slot has begun before they are dropped: their numbers must not be reused."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kubemr_shell.board.steps import Attempt, ShardKey
from kubemr_shell.job.state import Phase
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.attempt_results import Broken, Dropped, Finished, Result
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.slots import Slots, TaskRunner
from tests.support.waiting import until

KEY = ShardKey(phase=Phase.MAP, epoch=0, shard=0)
FIRST, SECOND, THIRD = Attempt(0, 0), Attempt(1, 0), Attempt(2, 0)


class OneAtATime(TaskRunner):
    """A runner whose attempts run until the test ends them, or until they are cancelled."""

    def __init__(self) -> None:
        self.begun: list[Attempt] = []
        self._end = threading.Semaphore(0)

    def end_one(self) -> None:
        self._end.release()

    def run(self, phase: Phase, attempt: Attempt, cancel: Flag) -> Result:
        self.begun.append(attempt)
        if attempt.task > 100:
            raise ValueError(attempt)
        while not self._end.acquire(timeout=0.01):
            if cancel.is_set():
                return Dropped(attempt=attempt)
        return Finished(attempt=attempt, entry=Entry(task=attempt.task, attempt=attempt.attempt))

    def moved(self) -> int:
        return 0

    def status(self) -> None:
        """Return no status."""

    def close(self) -> None:
        """Do nothing, because there are no resources."""


@pytest.fixture
def runner() -> OneAtATime:
    return OneAtATime()


@pytest.fixture
def slots(runner: OneAtATime) -> Iterator[Slots]:
    slots = Slots(1, lambda: None)
    slots.start([runner])
    yield slots
    slots.close()


def test_what_waits_has_not_begun_and_is_not_run(runner: OneAtATime, slots: Slots) -> None:
    slots.put(KEY, [FIRST, SECOND, THIRD])
    until(lambda: runner.begun == [FIRST])

    assert slots.drop(KEY, [SECOND]) == set()
    assert slots.unstarted() == 1
    runner.end_one()

    until(lambda: runner.begun == [FIRST, THIRD])


def test_what_runs_has_begun_and_is_stopped(runner: OneAtATime, slots: Slots) -> None:
    slots.put(KEY, [FIRST])
    until(lambda: slots.running() == 1)

    assert slots.drop(KEY, [FIRST]) == {FIRST}

    until(lambda: slots.running() == 0)
    assert slots.take_results() == [(KEY, Dropped(attempt=FIRST))]


def test_what_has_ended_but_was_not_looked_at_has_begun(runner: OneAtATime, slots: Slots) -> None:
    slots.put(KEY, [FIRST, SECOND])
    runner.end_one()
    until(lambda: runner.begun == [FIRST, SECOND])
    assert slots.drop(KEY, [FIRST]) == {FIRST}


def test_an_attempt_that_was_dropped_unstarted_can_come_again(runner: OneAtATime, slots: Slots) -> None:
    slots.put(KEY, [FIRST, SECOND])
    until(lambda: runner.begun == [FIRST])
    for _ in range(2):
        slots.drop(KEY, [SECOND])
        slots.put(KEY, [SECOND])
    runner.end_one()
    until(lambda: runner.begun == [FIRST, SECOND])
    runner.end_one()
    until(lambda: slots.running() + slots.unstarted() == 0)
    assert runner.begun == [FIRST, SECOND]


def test_what_waits_when_the_slots_are_stopped_has_not_begun(runner: OneAtATime, slots: Slots) -> None:
    slots.put(KEY, [FIRST, SECOND])
    until(lambda: runner.begun == [FIRST])
    slots.close()
    assert slots.drop(KEY, [FIRST, SECOND]) == {FIRST}
    assert runner.begun == [FIRST]


def test_an_error_in_a_slot_is_a_result(runner: OneAtATime, slots: Slots) -> None:
    slots.put(KEY, [Attempt(101, 0)])
    until(lambda: runner.begun != [] and slots.running() == 0)
    [(key, result)] = slots.take_results()
    assert key == KEY
    assert isinstance(result, Broken)
    assert isinstance(result.error, ValueError)
