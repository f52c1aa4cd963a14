"""Tests of the number of retries, the pauses between them, and their end."""

from __future__ import annotations

import os
import random
import threading

import pytest

from kubemr_shell.waits.retry import Patience, Retries
from kubemr_shell.waits.waiter import NOBODY, Cancelled, Waiter


class PatientWaiter(Waiter):
    """A waiter with a clock whose time passes only in a pause."""

    def __init__(self) -> None:
        super().__init__(NOBODY)
        self.now = 100.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def retries(self, budget: float) -> Retries:
        patience = Patience(
            budget=budget, first_pause=1, longest_pause=8, clock=lambda: self.now, random=random.Random(3)
        )
        return Retries(patience, self)


def test_pauses_double_with_jitter_until_the_budget_is_over() -> None:
    waiter = PatientWaiter()
    retries = waiter.retries(budget=60)
    while retries.pause():
        pass
    for pause, longest in zip(waiter.pauses, [1, 2, 4, 8, 8, 8, 8], strict=False):
        assert longest / 2 <= pause <= longest
    assert len(set(waiter.pauses)) == len(waiter.pauses)
    assert 52 <= sum(waiter.pauses) <= 60


def test_a_byte_makes_the_budget_whole_again() -> None:
    waiter = PatientWaiter()
    retries = waiter.retries(budget=3)
    for _ in range(50):
        assert retries.pause()
        retries.moved()
    assert max(waiter.pauses) <= 1


def test_a_server_that_asks_for_time_gets_it_unless_it_is_too_much() -> None:
    waiter = PatientWaiter()
    retries = waiter.retries(budget=60)
    assert retries.pause(asked=20)
    assert waiter.pauses == [20]
    assert not retries.pause(asked=41)


def test_a_cancel_ends_a_pause() -> None:
    cancel = os.eventfd(0)
    try:
        retries = Retries(Patience(budget=1000, first_pause=600, longest_pause=600), Waiter(cancel))
        timer = threading.Timer(0.01, os.eventfd_write, (cancel, 1))
        timer.start()
        with pytest.raises(Cancelled):
            retries.pause()
        timer.join()
    finally:
        os.close(cancel)
