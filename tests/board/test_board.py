"""Tests of jobs on the board from beginning to end, and of each step of a worker."""

from __future__ import annotations

import cProfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import PlanFacts
from kubemr_shell.board.steps import Closing, Finishing, Idle, Over, Planning, Working
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import IllegalTransition, JobNotFound, LeaseLost
from kubemr_shell.job.state import JobState, Phase
from tests.board.boards import TIMING, Wire, Workshop, attempts, tasks


@pytest.mark.parametrize("partitions", [0, 1, 3])
@pytest.mark.parametrize("task_count", [0, 1, 5])
def test_one_worker_does_a_job(tmp_path: Path, task_count: int, partitions: int) -> None:
    shop = Workshop(tmp_path)
    shop.plan(task_count, partitions)
    assert shop.run("w1") == Over(state=JobState.COMPLETE)
    view = shop.worker("w1").view()
    assert view.results == {"parts": 1}
    assert not view.cleaned
    assert view.closed_tasks(Phase.MAP) == task_count
    assert view.closed_tasks(Phase.REDUCE) == partitions
    assert view.counters.get(Phase.MAP, {}) == ({"g": {"n": task_count}} if task_count else {})
    shop.worker("w1").cleaned()
    assert shop.worker("w1").view().cleaned


def test_a_small_job_takes_few_writes(tmp_path: Path) -> None:
    """A job of one map task, one reduce task and one worker takes 2 writes to deploy, 2 to plan, and a few a phase."""
    shop = Workshop(tmp_path, workers=1)
    shop.plan(1)
    shop.run("user")
    shop.worker("user").cleaned()
    assert shop.wire("user").calls["patch"] <= 12
    assert shop.wire("user").calls["create"] == 4


@pytest.mark.lengthy
def test_a_task_costs_little(tmp_path: Path) -> None:
    """The test counts calls for 20,000 tasks in commits of 200, because this count does not depend on the machine."""
    wire = Wire(str(tmp_path / "board.db"))
    Board.create(wire, name="job", uid="u", spec={})
    timing = Timing.local()
    board = Board(wire, "job", "w", slots=2, workers=1, timing=timing, clock=time.monotonic, random=Random(1))
    board.deploy()
    profile = cProfile.Profile()
    profile.enable()
    step = board.next()
    assert isinstance(step, Planning)
    facts = PlanFacts(claim_id=step.claim.id, tasks=20_000, partitions=1, spec={}, fingerprint="", input_bytes=0)
    board.record_plan(step.claim, facts)
    while board.view().state is JobState.MAP:
        step = board.next()
        if isinstance(step, Closing):
            board.close(step, {})
            continue
        assert isinstance(step, Working)
        claim = step.claim
        while claim.attempts:
            claim = board.commit(claim, claim.attempts[:200], more=True, task_seconds=0.002)
    profile.disable()
    assert sum(entry.callcount for entry in profile.getstats()) / 20_000 < 80
    assert wire.calls["patch"] < 20_000 / 200 * 2


def test_two_workers_share_the_tasks(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(8)
    one, other = shop.claim("w1"), shop.claim("w2")
    assert (tasks(one), tasks(other)) == ([0, 1], [2, 3])
    one = shop.worker("w1").commit(one, one.attempts[:1], more=True)
    assert tasks(one) == [1, 4]


def test_looking_again_adds_to_the_claim(tmp_path: Path) -> None:
    """A worker with free slots and an unfinished claim gets more tasks. The claim gets a new id."""
    shop = Workshop(tmp_path)
    shop.plan(8)
    first, second = shop.claim("w1"), shop.claim("w1")
    assert tasks(second) == [0, 1, 2, 3]
    assert second.id != first.id
    with pytest.raises(LeaseLost):
        shop.worker("w1").commit(first, first.attempts, more=False)


def test_two_workers_that_begin_a_shard_at_once_both_get_a_claim(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(8)
    shop.wire("w1").before_patch = lambda: shop.claim("w2")
    assert tasks(shop.claim("w1")) == [2, 3]


def test_only_one_plans(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    step = shop.worker("w1").next()
    assert isinstance(step, Planning)
    assert shop.worker("w1").next() == step, "asked again, it is still the planner"
    assert isinstance(shop.worker("w2").next(), Idle)
    shop.now += 24.0
    renewed = shop.worker("w1").renew(step.claim)
    assert isinstance(shop.worker("w2").next(), Idle)
    shop.now += 26.0
    taken = shop.worker("w2").next()
    assert isinstance(taken, Planning)
    facts = PlanFacts(claim_id=step.claim.id, tasks=9, partitions=1, spec={}, fingerprint="", input_bytes=0)
    with pytest.raises(LeaseLost, match="plan is void"):
        shop.worker("w1").record_plan(renewed, facts)
    with pytest.raises(LeaseLost):
        shop.worker("w1").renew(renewed)
    shop.worker("w2").give_back(taken.claim)
    assert isinstance(shop.worker("w1").next(), Planning)


def test_only_one_finishes_and_whoever_closed_last_is_first(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(1)
    step = shop.run("w1", until=lambda step: isinstance(step, Finishing))
    assert isinstance(step, Finishing)
    assert isinstance(shop.worker("w2").next(), Idle)
    shop.dead.add("w1")
    taken = shop.worker("w2").next()
    assert isinstance(taken, Finishing)
    with pytest.raises(LeaseLost):
        shop.worker("w1").complete(step.claim, {})
    shop.worker("w2").complete(taken.claim, {})
    assert shop.state() is JobState.COMPLETE


def test_the_last_committer_closes_at_once_and_others_give_it_time(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(2)
    for worker in ("w1", "w2"):
        claim = shop.claim(worker)
        shop.worker(worker).commit(claim, claim.attempts, more=False)
    assert isinstance(shop.worker("w1").next(), Idle)
    assert isinstance(shop.worker("w2").next(), Closing)
    shop.now += 5.0
    closing = shop.worker("w1").next()
    assert isinstance(closing, Closing)
    assert closing.winners == (0, 0)
    shop.worker("w1").close(closing, {"g": {"n": 2}})
    shop.worker("w2").close(closing, {"g": {"n": 2}})
    assert shop.worker("w2").view().counters == {Phase.MAP: {"g": {"n": 2}}}, "counted once"


def test_who_has_brought_a_job_to_a_phase_goes_on_at_once_and_others_at_times_of_their_own(tmp_path: Path) -> None:
    """Fifty workers see the plan at the same moment, and enter the phase one after the other."""
    shop = Workshop(tmp_path, workers=50, slots=1, timing=replace(TIMING, spread_seconds=1.0))
    shop.run("planner", until=lambda step: isinstance(step, Planning))
    shop.plan(2, worker="planner")
    claim = shop.claim("planner")
    idle = shop.worker("waiting").next()
    assert idle == Idle(seconds=TIMING.idle_seconds), "it looks again before its time, as the job may be over by then"
    step = shop.run("waiting", until=lambda step: isinstance(step, Working))
    assert isinstance(step, Working)
    assert shop.now > idle.seconds
    other = step.claim
    for worker, held in (("planner", claim), ("waiting", other)):
        shop.worker(worker).commit(held, held.attempts, more=False)
        closing = shop.run(worker, until=lambda step: isinstance(step, Closing))
        assert isinstance(closing, Closing)
        shop.worker(worker).close(closing, {})
    assert shop.state() is JobState.REDUCE
    assert isinstance(shop.worker("planner").next(), Idle)
    assert shop.claim("waiting").phase is Phase.REDUCE


def test_what_a_worker_has_written_of_the_job_it_knows_though_cheap_reads_are_behind(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    wire = shop.wire("user")
    wire.past = {"job": wire.get("MapReduceJob", "job")}
    shop.plan(1)
    assert isinstance(shop.worker("user").next(), Working)


def test_a_job_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(2)
    claim = shop.claim("w1")
    wire = shop.wire("user")
    wire.delete("MapReduceJob", "job")
    wire.delete("TaskShard", "job-m0-00000")
    with pytest.raises(JobNotFound):
        shop.worker("w1").next()
    with pytest.raises(JobNotFound):
        shop.worker("w1").cancel()
    with pytest.raises(LeaseLost):
        shop.worker("w1").commit(claim, claim.attempts, more=False)


def test_a_new_job_of_the_same_name_is_not_touched(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    old = shop.worker("w1")

    def make_anew() -> None:
        wire = shop.wire("user")
        wire.delete("MapReduceJob", "job")
        Board.create(wire, name="job", uid="uid-2", spec={})

    shop.wire("w1").before_patch = make_anew
    with pytest.raises(JobNotFound):
        old.cancel()
    with pytest.raises(JobNotFound):
        old.next()
    assert shop.wire("user").get("MapReduceJob", "job")["status"]["state"] == "PENDING"


def test_cancelled_and_failed_jobs_can_be_retried_and_keep_what_is_committed(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(4)
    claim = shop.claim("w1")
    shop.worker("w1").commit(claim, claim.attempts, more=False)
    user = shop.worker("user")
    user.cancel()
    user.cancel()
    assert shop.worker("w1").next() == Over(state=JobState.CANCELLED)
    user.fail_job({"reason": "too late"})
    assert shop.state() is JobState.CANCELLED
    user.retry()
    user.deploy()
    user.retry()
    assert user.view().retry == 1, "a job that runs just runs on"
    shop.worker("w1").fail_job({"reason": "of the first try"})
    assert shop.state() is JobState.DEPLOYED
    shop.worker("w2").fail_job({"reason": "disk full"})
    assert user.view().failure == {"reason": "disk full"}
    user.retry({"maxAttempts": 7})
    user.deploy()
    assert user.view().spec == {"maxAttempts": 7}
    assert tasks(shop.claim("w3")) == [2]
    shop.dead.add("w3")
    assert shop.run("w4") == Over(state=JobState.COMPLETE)
    with pytest.raises(IllegalTransition):
        user.retry()


def test_a_worker_that_has_slept_through_a_retry_takes_no_part_in_it(tmp_path: Path) -> None:
    """The worker knows the job under the old spec, and may not know that the job had ended."""
    shop = Workshop(tmp_path)
    shop.plan(2, partitions=2)
    shop.run_to(Phase.REDUCE)
    assert shop.worker("w1").look() is None
    shop.worker("user").cancel()
    shop.worker("user").redo_reduces({"maxAttempts": 9})
    shop.worker("user").deploy()
    assert shop.worker("w1").look() == shop.worker("w1").next() == Over(state=None)
    assert shop.worker("w2").look() is None
    assert shop.claim("w2").epoch == 1


def test_publishing_is_the_point_of_no_return(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(2)
    shop.run_to(Phase.PUBLISH)
    user = shop.worker("user")
    for refused in (user.cancel, lambda: user.fail_job({}), lambda: user.redo_reduces({})):
        with pytest.raises(IllegalTransition, match="publish"):
            refused()
    user.reopen(Phase.REDUCE, attempts((0, 0)))
    assert shop.state() is JobState.REDUCE
    with pytest.raises(IllegalTransition, match="publish"):
        user.cancel()
    assert shop.run("user") == Over(state=JobState.COMPLETE)


def test_reduces_can_be_done_again_under_another_spec(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(2, partitions=2)
    shop.run_to(Phase.REDUCE)
    old = shop.claim("w1")
    shop.worker("user").redo_reduces({"maxAttempts": 9})
    view = shop.worker("user").view()
    assert (view.state, view.spec, view.closed_tasks(Phase.MAP)) == (JobState.REDUCE, {"maxAttempts": 9}, 2)
    new = shop.claim("w2")
    assert new.epoch == 1
    assert not set(new.attempts) & set(old.attempts), "never the same attempt again"
    shop.worker("w1").commit(old, old.attempts, more=False)
    shop.worker("w2").give_back(new)
    assert shop.run("w2") == Over(state=JobState.COMPLETE)
    assert shop.worker("w2").view().counters[Phase.REDUCE] == {"g": {"n": 2}}
