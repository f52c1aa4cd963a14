"""Tests of workers whose requests are refused for a while, by late permissions or full quotas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kubemr_shell.board.steps import Idle, Over, Working
from kubemr_shell.board.wait_reports import waits_of
from kubemr_shell.errors import Forbidden
from kubemr_shell.job.kinds import JOB_KIND, SHARD_KIND
from kubemr_shell.job.state import JobState
from tests.board.boards import TIMING, Workshop

PATIENT = replace(TIMING, refused_seconds=900.0)
CREATION = frozenset({f"create {SHARD_KIND}"})


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path, timing=PATIENT)
    shop.plan(tasks=4)
    return shop


def wait(workshop: Workshop, worker: str, *, until: Callable[[], bool]) -> None:
    """Let a worker ask for a step again and again, and find nothing to do."""
    while not until():
        step = workshop.worker(worker).next()
        assert isinstance(step, Idle), step
        workshop.now += step.seconds


def waits(workshop: Workshop) -> tuple[str, str] | None:
    return waits_of(workshop.wire("user").get(JOB_KIND, "job"))


@pytest.mark.lengthy
def test_a_full_quota_is_waited_for_and_the_status_says_so(workshop: Workshop) -> None:
    wire = workshop.wire("a")
    workshop.worker("a")
    wire.refused = CREATION
    wait(workshop, "a", until=lambda: workshop.now > 600)
    worker, message = waits(workshop) or ("", "")
    assert worker == "a"
    assert "exceeded quota" in message
    assert "up to 900 s" in message
    assert [message] == workshop.log, "the log says it once"
    wire.refused = frozenset()
    assert isinstance(workshop.run("a"), Over)
    assert workshop.state() is JobState.COMPLETE
    assert waits(workshop) is None


def test_what_a_worker_holds_is_renewed_while_it_waits_for_a_quota(workshop: Workshop) -> None:
    """The loop continues, and only the creation of another shard is refused."""
    held = workshop.claim("a")
    workshop.wire("a").refused = CREATION
    for _ in range(10):
        workshop.now += PATIENT.lease_seconds
        held = workshop.worker("a").renew(held)
        assert isinstance(workshop.worker("b").next(), Idle | Working)
    assert held.attempts


@pytest.mark.lengthy
def test_a_quota_that_stays_full_is_an_error_with_its_name(workshop: Workshop) -> None:
    workshop.worker("a")
    workshop.wire("a").refused = CREATION
    with pytest.raises(Forbidden, match=r"refused for .* s: create of TaskShard: exceeded quota"):
        wait(workshop, "a", until=lambda: workshop.now > 2 * PATIENT.refused_seconds)
    assert workshop.now >= 0.9 * PATIENT.refused_seconds


def test_another_worker_goes_on_meanwhile_and_is_not_told_to_wait(workshop: Workshop) -> None:
    workshop.worker("a")
    workshop.wire("a").refused = CREATION
    wait(workshop, "a", until=lambda: waits(workshop) is not None)
    assert isinstance(workshop.run("b"), Over)
    assert workshop.state() is JobState.COMPLETE
    assert isinstance(workshop.worker("a").next(), Over)


@pytest.mark.parametrize("refused", ["get", "patch"])
def test_any_other_refusal_is_waited_for_where_it_is_met(workshop: Workshop, refused: str) -> None:
    workshop.worker("a")
    workshop.wire("a").refused = frozenset({refused})

    def give_right() -> None:
        if workshop.now > 100:
            workshop.wire("a").refused = frozenset()
        else:
            workshop.during_pause = give_right

    workshop.during_pause = give_right
    assert isinstance(workshop.run("a"), Over)
    assert workshop.state() is JobState.COMPLETE
    assert 100 < workshop.now < 200


def test_rights_that_are_missing_for_good_are_an_error_in_the_end(workshop: Workshop) -> None:
    claim = workshop.claim("a")
    workshop.wire("a").refused = frozenset({f"patch {SHARD_KIND}"})
    with pytest.raises(Forbidden, match="refused for"):
        workshop.worker("a").renew(claim)
    assert waits(workshop) is not None, "it could still write to the job"


def test_one_who_may_not_even_write_to_the_job_says_it_in_its_log(workshop: Workshop) -> None:
    claim = workshop.claim("a")
    workshop.wire("a").refused = frozenset({"get", "patch"})
    with pytest.raises(Forbidden, match="refused for"):
        workshop.worker("a").renew(claim)
    assert "exceeded quota" in workshop.log[0]


def test_who_waits_takes_the_place_of_a_worker_that_is_gone(workshop: Workshop) -> None:
    for worker in ("a", "b"):
        workshop.worker(worker)
        workshop.wire(worker).refused = CREATION
    wait(workshop, "a", until=lambda: waits(workshop) is not None)
    began = workshop.now
    wait(workshop, "b", until=lambda: workshop.now > began + 100)
    assert (waits(workshop) or [""])[0] == "a", "one is enough"
    job = workshop.wire("user").get(JOB_KIND, "job")
    workshop.wire("user").patch(
        JOB_KIND, "job", [{"op": "add", "path": "/status/lost", "value": [*job["status"].get("lost", ()), "a"]}]
    )
    wait(workshop, "b", until=lambda: (waits(workshop) or [""])[0] == "b")


@pytest.mark.parametrize("entry", [None, 7, [], {"worker": 7}, {"message": "x"}])
def test_whatever_stands_in_the_status_does_no_harm(entry: object) -> None:
    assert waits_of({"status": {"waits": entry}}) is None
    assert waits_of({"status": None}) is None
