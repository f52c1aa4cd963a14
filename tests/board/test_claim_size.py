"""Tests of the size of a claim: enough for one batch time, but some tasks are left for other workers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubemr_shell.board.claim_size import claim_size, smoothed
from kubemr_shell.board.timing import Timing

LOCAL = replace(Timing.local(), batch_seconds=1.0)


@pytest.mark.parametrize(
    ("slots", "workers", "task_us", "available", "expected"),
    [
        (4, 1, 0, 100, 4),  # the time of a task is unknown
        (4, 1, 0, 3, 3),
        (4, 2, 0, 4, 2),  # with other workers: half
        (4, 2, 0, 1, 1),
        (4, 1, 100_000, 100, 40),
        (4, 2, 100_000, 60, 30),
        (4, 1, 10_000_000, 100, 4),  # never fewer than slots
        (4, 1, 1, 10, 10),
        (4, 1, 0, 0, 0),
    ],
)
def test_size_of_a_claim(slots: int, workers: int, task_us: int, available: int, expected: int) -> None:
    size = claim_size(timing=LOCAL, slots=slots, workers=workers, task_us=task_us, available=available)
    assert size == expected


def test_many_workers_take_at_least_the_least_batch() -> None:
    timing = replace(LOCAL, batch_seconds=30.0, least_batch_seconds=5.0)
    assert claim_size(timing=timing, slots=1, workers=1000, task_us=1_000_000, available=6) == 5
    assert claim_size(timing=timing, slots=1, workers=1000, task_us=4_000_000, available=6) == 2, "no shorter than that"
    assert claim_size(timing=timing, slots=1, workers=1000, task_us=30_000_000, available=6) == 1


@pytest.mark.parametrize(
    ("workers", "together", "available", "expected"),
    [
        (1, 64, 1000, 64),
        (1, 64, 10, 10),
        (8, 64, 1000, 64),
        (8, 64, 100, 13),  # each worker gets some
        (100, 64, 99, 1),
        (1, 2, 1000, 4),  # never fewer than slots
    ],
)
def test_tasks_that_cost_little_together_are_claimed_together(
    workers: int, together: int, available: int, expected: int
) -> None:
    """The claim takes them together even if one task takes longer than a claim should."""
    size = claim_size(
        timing=LOCAL,
        slots=4 if workers == 1 else 1,
        workers=workers,
        task_us=5_000_000,
        available=available,
        together=together,
    )
    assert size == expected


def test_the_time_of_a_task_is_smoothed_and_never_zero() -> None:
    assert smoothed(0, None) == 0
    assert smoothed(0, 0.002) == 2000
    assert smoothed(2000, 0.004) == 3000
    assert smoothed(0, 0.0) == 1
