"""Tests of the expiry of claims by the worker's own clock, from the first sight of a heartbeat."""

from __future__ import annotations

import pytest

from kubemr_shell.board import claim_expiry
from kubemr_shell.board.claim_expiry import ClaimExpiry


class Watch:
    def __init__(self) -> None:
        self.now = 0.0
        self.dead: set[str] = set()
        self.expiry = ClaimExpiry(expiry_seconds=25.0, clock=lambda: self.now, is_dead=self.dead.__contains__)

    def sees(self, at: float, beat: int) -> bool:
        self.now = at
        return self.expiry.is_expired("claim", "worker", beat)


def test_expires_when_unchanged_for_long_enough() -> None:
    watch = Watch()
    assert [watch.sees(at, 0) for at in (100.0, 124.9, 125.0)] == [False, False, True]


def test_a_renewal_starts_the_time_again() -> None:
    watch = Watch()
    assert [watch.sees(at, beat) for at, beat in ((0.0, 0), (24.0, 1), (48.0, 1), (49.0, 1))] == [False] * 3 + [True]


def test_an_older_heartbeat_is_a_change_too() -> None:
    """A read may be old. The last read decides, so an old read only delays the expiry."""
    watch = Watch()
    assert [watch.sees(at, beat) for at, beat in ((0.0, 1), (20.0, 0), (30.0, 1))] == [False] * 3


def test_the_dead_expire_at_once() -> None:
    watch = Watch()
    assert not watch.sees(0.0, 0)
    watch.dead.add("worker")
    assert watch.sees(0.0, 0)


def test_time_out_of_reach_of_the_board_does_not_count() -> None:
    watch = Watch()
    watch.sees(0.0, 0)
    watch.expiry.could_not_look()
    assert [watch.sees(at, 0) for at in (30.0, 54.0, 55.0)] == [False, False, True]


def test_the_dead_expire_on_a_board_that_often_fails() -> None:
    """If every other read fails, the claims of dead workers expire later, but they expire."""
    watch = Watch()
    looks = []
    for second in range(60):
        if second % 2:
            watch.now = float(second)
            watch.expiry.could_not_look()
        else:
            looks.append(watch.sees(float(second), 0))
        watch.now = second + 0.5
        looks.append(watch.sees(second + 0.5, 0))
    assert not looks[0]
    assert looks[-1]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_expiry, "MOST_REMEMBERED", 2)
    watch = Watch()
    for claim in ("a", "b", "c"):
        watch.expiry.is_expired(claim, "worker", 0)
    watch.now = 25.0
    assert [watch.expiry.is_expired(claim, "worker", 0) for claim in ("c", "b", "a")] == [True, True, False]
