"""Tests of the times at which workers plan, enter a phase and close shards."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.pacing import Pacing
from kubemr_shell.board.steps import ShardKey
from kubemr_shell.board.timing import Timing
from kubemr_shell.job.state import JobState, Phase

WORKERS = 200
FACTS = PlanFacts(claim_id="c", tasks=1000, partitions=0, spec={}, fingerprint="", input_bytes=0)
VIEW = JobView(state=JobState.MAP, spec={}, plan=FACTS.with_layouts(WORKERS))
KEY = ShardKey(phase=Phase.MAP, epoch=0, shard=3)
TIMING = replace(Timing.cluster(WORKERS), jitter_seconds=0.0, spread_seconds=1.0)


def pacing(
    number: int | None, *, timing: Timing = TIMING, workers: int = WORKERS, now: float = 0.0, answer: float = 0.0
) -> Pacing:
    return Pacing(
        timing, workers=workers, number=number, clock=lambda: now, random=Random(number), answer_seconds=lambda: answer
    )


def entrances(**options: float) -> list[tuple[int, float]]:
    """Return the shard and the time of each worker."""
    workers = [pacing(number, **options) for number in range(WORKERS)]  # type: ignore[arg-type]
    return [(one.home(20), one.to_enter(VIEW, Phase.MAP)) for one in workers]


def test_each_shard_gets_as_many_agents_and_they_come_far_from_each_other() -> None:
    found = entrances()
    for shard in range(20):
        times = sorted(time for home, time in found if home == shard)
        assert len(times) == WORKERS / 20
        assert min(later - sooner for sooner, later in pairwise(times)) > 1.0
    assert min(time for _, time in found) == 0.0


def test_a_store_that_is_slow_spreads_them_more_but_not_for_ever() -> None:
    usual, slow, stuck = (max(time for _, time in entrances(answer=answer)) for answer in (0.1, 1.0, 60.0))
    assert slow == pytest.approx(2 * usual)
    assert stuck == pytest.approx(5 * usual)


def test_they_stay_within_the_budget_of_writes() -> None:
    timing = replace(TIMING, jitter_seconds=50.0)
    assert pacing(1, timing=timing).to_enter(VIEW, Phase.MAP) == pytest.approx(250 * 0.618, rel=0.01)


def test_a_time_is_chosen_once_and_comes() -> None:
    clock = [0.0]
    times = Pacing(
        TIMING, workers=WORKERS, number=None, clock=lambda: clock[0], random=Random(3), answer_seconds=lambda: 0.0
    )
    waits = {"plan": times.to_plan(), "enter": times.to_enter(VIEW, Phase.MAP), "close": times.to_close(VIEW, KEY)}
    assert all(waits.values())
    clock[0] = 1.0
    assert times.to_plan() == pytest.approx(waits["plan"] - 1)
    clock[0] = max(waits.values())
    assert (times.to_plan(), times.to_enter(VIEW, Phase.MAP), times.to_close(VIEW, KEY)) == (0, 0, 0)


def test_who_brings_the_job_to_a_phase_goes_on_at_once() -> None:
    times = pacing(1)
    assert times.to_enter(VIEW, Phase.MAP) > 0
    times.enter_now(VIEW)
    assert times.to_enter(VIEW, Phase.MAP) == 0


def test_on_one_machine_nobody_waits() -> None:
    times = pacing(None, timing=Timing.local(), workers=4, answer=0.5)
    assert (times.to_plan(), times.to_enter(VIEW, Phase.MAP), times.to_close(VIEW, KEY)) == (0, 0, 0)
