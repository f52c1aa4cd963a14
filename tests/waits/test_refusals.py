"""Tests of refusals: a refused request is repeated, the refusal is reported, and becomes an error if it lasts."""

from __future__ import annotations

from random import Random

import pytest

from kubemr_shell.errors import Forbidden, NamespaceTerminating, Sequel
from kubemr_shell.waits.refusals import LONGEST_PAUSE_SECONDS, Refusals

BUDGET = 900.0
REFUSED = Forbidden("creation of TaskShard job-map-0: exceeded quota")


class Worker:
    def __init__(self, budget_seconds: float = BUDGET) -> None:
        self.now = 0.0
        self.told: list[str | None] = []
        self.refusals = Refusals(
            budget_seconds=budget_seconds, clock=lambda: self.now, random=Random(1), tell=self.told.append
        )

    def meets(self) -> float:
        """Record a refusal and wait for the returned time."""
        pause = self.refusals.met(REFUSED)
        self.now += pause
        return pause


def test_pauses_grow_up_to_a_bound() -> None:
    worker = Worker()
    pauses = [worker.meets() for _ in range(20)]
    assert pauses[0] <= 1
    assert LONGEST_PAUSE_SECONDS / 2 <= pauses[-1] <= LONGEST_PAUSE_SECONDS
    assert max(pauses) <= LONGEST_PAUSE_SECONDS


def test_it_is_an_error_that_names_the_cause_and_the_way_on_when_it_lasts() -> None:
    worker = Worker()
    while worker.now < BUDGET - LONGEST_PAUSE_SECONDS:
        worker.meets()
    worker.now = BUDGET
    with pytest.raises(Forbidden, match=r"refused for 900 s: creation of .*: exceeded quota: .* quota") as error:
        worker.meets()
    assert error.value.sequel is Sequel.GOES_ON
    assert worker.told[-1] is not None, "nobody says that it goes on"


def test_one_that_passes_gives_the_whole_budget_back() -> None:
    worker = Worker()
    for _ in range(3):
        while worker.now < BUDGET * 0.9:
            worker.meets()
        worker.refusals.passed()
        worker.now = 0.0


def test_what_passes_at_once_is_not_told_and_the_rest_is_until_it_has_passed() -> None:
    worker = Worker()
    for _ in range(2):
        worker.meets()
    worker.refusals.passed()
    assert worker.told == []
    for _ in range(4):
        worker.meets()
    worker.refusals.passed()
    assert [text is None for text in worker.told] == [False, False, True]
    assert "exceeded quota" in str(worker.told[0])


@pytest.mark.parametrize("error", [NamespaceTerminating("gone"), REFUSED])
def test_what_does_not_pass_or_has_no_budget_is_an_error_at_once(error: Forbidden) -> None:
    worker = Worker(BUDGET if isinstance(error, NamespaceTerminating) else 0)
    with pytest.raises(Forbidden) as raised:
        worker.refusals.met(error)
    assert raised.value is error
