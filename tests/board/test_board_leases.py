"""Tests of claims that are renewed, lost, taken over, stolen, failed or given back, and of lost answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubemr_shell.board.steps import Claim, Closing, Idle, Over, Working
from kubemr_shell.errors import BoardUnavailable, LeaseLost
from kubemr_shell.job.state import JobState
from tests.board.boards import Workshop, attempts, tasks


def shop_with_a_claim(folder: Path, *, max_attempts: int = 2) -> Workshop:
    """Return a workshop with two tasks, which the worker w1 holds."""
    shop = Workshop(folder, workers=20, max_attempts=max_attempts)
    shop.plan(1)
    return shop


def test_a_claim_that_is_not_renewed_is_taken_over(tmp_path: Path) -> None:
    shop = shop_with_a_claim(tmp_path)
    claim = shop.claim("w1")
    assert isinstance(shop.worker("w2").next(), Idle)
    shop.now += 25.0
    assert shop.claim("w2").attempts == attempts((0, 1))
    with pytest.raises(LeaseLost):
        shop.worker("w1").renew(claim)
    with pytest.raises(LeaseLost):
        shop.worker("w1").commit(claim, claim.attempts, more=True)
    shop.worker("w1").give_back(claim)
    assert shop.worker("w1").fail(claim, claim.attempts[0], {"reason": "late"}) is None
    shard = shop.wire("user").get("TaskShard", "job-m0-00000")["state"]
    assert (shard["att"], shard["fails"], shard["lost"], shard["redo"]) == ("0:1", "", "0:1", "")


def test_a_renewed_claim_is_not(tmp_path: Path) -> None:
    shop = shop_with_a_claim(tmp_path)
    claim = shop.claim("w1")
    for beat in range(1, 5):
        assert isinstance(shop.worker("w2").next(), Idle)
        shop.now += 20.0
        claim = shop.worker("w1").renew(claim)
        assert claim.beat == beat
    shop.worker("w1").commit(claim, claim.attempts, more=False)


def test_a_renewal_in_the_last_moment_saves_the_claim(tmp_path: Path) -> None:
    """A patch that takes an expired claim over tests the heartbeat of the claim."""
    shop = shop_with_a_claim(tmp_path)
    claim = shop.claim("w1")
    shop.worker("w2").next()
    shop.now += 25.0
    shop.wire("w2").before_patch = lambda: shop.worker("w1").renew(claim)
    assert isinstance(shop.worker("w2").next(), Idle)


def test_a_planner_that_renews_in_the_last_moment_stays_planner(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    planning = shop.worker("w1").next()
    shop.worker("w2").next()
    shop.now += 25.0
    shop.wire("w2").before_patch = lambda: shop.worker("w1").renew(planning.claim)  # type: ignore[union-attr]
    assert isinstance(shop.worker("w2").next(), Idle)


def test_claims_of_the_dead_are_free_at_once(tmp_path: Path) -> None:
    shop = shop_with_a_claim(tmp_path)
    shop.claim("w1")
    shop.dead.add("w1")
    assert shop.claim("w2").attempts == attempts((0, 1))


def test_a_task_that_loses_its_workers_again_and_again_fails_the_job(tmp_path: Path) -> None:
    shop = shop_with_a_claim(tmp_path, max_attempts=1)
    for worker in ("w1", "w2", "w3"):
        assert isinstance(shop.worker(worker).next(), Working)
        shop.dead.add(worker)
    assert shop.worker("w4").next() == Over(state=JobState.FAIL)
    failure = shop.worker("w4").view().failure
    assert failure is not None
    assert failure["task"] == "map/0"
    assert "lost 3 times" in failure["reason"]


def test_the_task_that_its_workers_are_lost_by_is_blamed_and_no_other(tmp_path: Path) -> None:
    """Task 2 ends every worker that runs it, in a claim of many tasks. All other tasks are committed."""
    shop = Workshop(tmp_path, workers=2, slots=4, max_attempts=2)
    shop.plan(tasks=12)
    sizes = []
    for number in range(100):
        board = shop.worker(f"w{number}")
        while isinstance(step := board.next(), (Working, Closing)):
            if isinstance(step, Closing):
                board.close(step, {})
                continue
            if any(attempt.task == 2 for attempt in step.claim.attempts):
                sizes.append(len(step.claim.attempts))
                shop.dead.add(f"w{number}")
                break
            board.commit(step.claim, step.claim.attempts, more=False)
        if isinstance(step, Over):
            break
    view = shop.worker("user").view()
    assert view.state is JobState.FAIL
    assert view.failure is not None
    assert view.failure["task"] == "map/2"
    assert "was lost 6 times, 4 times when it ran alone" in str(view.failure["reason"])
    assert (sizes[:2], sizes[2:]) == ([4, 4], [1, 1, 1, 1])


def test_a_worker_takes_nothing_else_while_it_runs_a_suspect(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, workers=2, slots=2, max_attempts=2)
    shop.plan(tasks=8)
    for worker in ("w1", "w2"):
        assert 0 in tasks(shop.claim(worker))
        shop.dead.add(worker)
    alone = shop.claim("w3")
    assert alone.attempts == attempts((0, 2))
    assert isinstance(shop.worker("w3").next(), Idle)
    shop.worker("w3").commit(alone, alone.attempts, more=False)
    assert isinstance(shop.worker("w3").next(), Working)


def test_failures_are_counted_and_end_the_job(tmp_path: Path) -> None:
    shop = shop_with_a_claim(tmp_path)
    claim = shop.claim("w1")
    assert shop.worker("w1").fail(claim, claim.attempts[0], {"reason": "exit status 1"}) is None
    claim = shop.claim("w2")
    assert claim.attempts == attempts((0, 1))
    assert shop.worker("w2").fail(claim, claim.attempts[0], {"reason": "x" * 9000}) is None
    assert shop.worker("w1").next() == Over(state=JobState.FAIL)
    failure = shop.worker("w1").view().failure
    assert 1000 < len(json.dumps(failure)) <= 4096
    shop.worker("user").retry()
    shop.worker("user").deploy()
    assert shop.claim("w3").attempts == attempts((0, 2)), "counted anew, numbered on"


def test_a_worker_that_died_before_it_could_fail_the_job_is_followed(tmp_path: Path) -> None:
    shop = shop_with_a_claim(tmp_path, max_attempts=1)
    claim = shop.claim("w1")
    shop.wire("w1").before_patch = lambda: shop.wire("w1").losses.extend([True] + [False] * 100)
    with pytest.raises(BoardUnavailable):
        shop.worker("w1").fail(claim, claim.attempts[0], {"reason": "exit status 1"})
    assert shop.worker("w2").next() == Over(state=JobState.FAIL)


def test_a_task_that_fails_while_its_job_is_retried_fails_the_retried_job(tmp_path: Path) -> None:
    """Otherwise the failure would belong to an old retry: the job would not fail, and the task not run again."""
    shop = Workshop(tmp_path, max_attempts=1)
    shop.plan(8)
    claim = shop.claim("w1")

    def another_worker_is_there_after_a_retry() -> None:
        user = shop.worker("user")
        user.cancel()
        user.retry()
        user.deploy()
        shop.claim("w2")

    shop.wire("w1").before_patch = another_worker_is_there_after_a_retry
    shop.worker("w1").fail(claim, claim.attempts[0], {"reason": "exit status 1"})
    assert shop.worker("w3").next() == Over(state=JobState.FAIL)


def test_what_is_left_of_a_claim_after_a_failure_goes_on(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(4)
    claim = shop.claim("w1")
    left = shop.worker("w1").fail(claim, claim.attempts[0], {})
    assert left is not None
    assert (left.attempts, left.lost) == (attempts((1, 0)), ())
    assert shop.claim("w2").attempts == attempts((0, 1))


def test_started_tasks_that_are_given_back_get_a_new_number_and_no_blame(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(4)
    claim = shop.claim("w1")
    shop.worker("w1").give_back(claim, claim.attempts[:1])
    assert shop.claim("w2").attempts == attempts((0, 1), (1, 0))
    shard = shop.wire("user").get("TaskShard", "job-m0-00000")["state"]
    assert (shard["fails"], shard["lost"]) == ("", "")


def shop_with_a_hoarder(folder: Path) -> tuple[Workshop, Claim]:
    """Return a workshop whose worker w1 holds the rest of ten fast tasks, and runs one at a time."""
    shop = Workshop(folder, slots=1)
    shop.plan(10)
    claim = shop.claim("w1")
    return shop, shop.worker("w1").commit(claim, claim.attempts, more=True, task_seconds=0.1)


def test_unstarted_tasks_are_stolen_from_the_tail(tmp_path: Path) -> None:
    shop, _ = shop_with_a_hoarder(tmp_path)
    assert shop.claim("w2").attempts == attempts((6, 1), (7, 1), (8, 1), (9, 1))


def test_the_victim_of_a_thief_learns_what_it_lost_and_keeps_the_rest(tmp_path: Path) -> None:
    """The victim has done three tasks, of which one was stolen."""
    shop, claim = shop_with_a_hoarder(tmp_path)
    stolen = shop.claim("w2")
    left = shop.worker("w1").commit(claim, attempts((1, 0), (2, 0), (9, 0)), more=False)
    assert tasks(left) == [3, 4, 5]
    assert left.lost == attempts((6, 0), (7, 0), (8, 0), (9, 0))
    left = shop.worker("w2").commit(stolen, stolen.attempts, more=False)
    assert (left.attempts, left.lost) == ((), ())


def test_a_thief_that_comes_between_is_noticed(tmp_path: Path) -> None:
    """The commit of a holder tests the tasks of the claim."""
    shop, claim = shop_with_a_hoarder(tmp_path)
    shop.wire("w1").before_patch = lambda: shop.claim("w2")
    left = shop.worker("w1").commit(claim, claim.attempts, more=False)
    assert (left.attempts, left.lost) == ((), attempts((6, 0), (7, 0), (8, 0), (9, 0)))


def test_a_renewal_tells_of_a_theft_too(tmp_path: Path) -> None:
    shop, claim = shop_with_a_hoarder(tmp_path)
    shop.claim("w2")
    assert tasks(shop.worker("w1").renew(claim)) == [1, 2, 3, 4, 5]


def test_a_thief_leaves_what_runs(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, slots=2)
    shop.plan(2)
    shop.claim("w1")
    assert isinstance(shop.worker("w2").next(), Working)
    assert isinstance(shop.worker("w3").next(), Idle)


@pytest.mark.parametrize("landed", [True, False])
def test_a_lost_answer_changes_nothing(tmp_path: Path, landed: bool) -> None:
    shop = Workshop(tmp_path)
    shop.plan(8)
    wire, worker = shop.wire("w1"), shop.worker("w1")
    wire.losses.append(landed)
    claim = shop.claim("w1")
    assert tasks(claim) == [0, 1]
    wire.losses.append(landed)
    claim = worker.commit(claim, claim.attempts, more=True)
    assert (tasks(claim), claim.lost) == ([2, 3], ())
    wire.losses.append(landed)
    claim = worker.renew(claim)
    assert claim.beat == 1
    wire.losses.append(landed)
    left = worker.fail(claim, claim.attempts[0], {})
    assert left is not None
    wire.losses.append(landed)
    worker.give_back(left, left.attempts)
    shard = shop.wire("user").get("TaskShard", "job-m0-00000")["state"]
    assert (shard["done"], shard["redo"], shard["next"]) == ("0-1", "2-3", 4)
    assert (shard["att"], shard["fails"], shard["claims"]) == ("2-3:1", "2:1", {})


def test_a_commit_that_landed_is_no_loss_even_if_the_next_claim_is_gone(tmp_path: Path) -> None:
    """Otherwise the worker would delete the outputs of winners."""
    shop = Workshop(tmp_path)
    shop.plan(6)
    claim = shop.claim("w1")

    def the_worker_is_taken_for_dead() -> None:
        shop.dead.add("w1")
        assert shop.claim("w2").attempts == attempts((2, 1), (3, 1))

    shop.wire("w1").losses.append(True)
    shop.during_pause = the_worker_is_taken_for_dead
    left = shop.worker("w1").commit(claim, claim.attempts, more=True)
    assert (left.attempts, left.lost) == ((), ())


def test_what_a_board_that_gave_up_had_claimed_comes_back_to_its_worker(tmp_path: Path) -> None:
    """No other worker can know before the end of the lease that the claim is an orphan."""
    shop = shop_with_a_claim(tmp_path)
    shop.wire("w1").losses += [True] + [False] * 100
    with pytest.raises(BoardUnavailable):
        shop.worker("w1").next()
    shop.wire("w1").losses.clear()
    assert shop.claim("w1").attempts == attempts((0, 1))


def test_an_outage_lets_no_claim_expire(tmp_path: Path) -> None:
    """The time of an outage does not count, because the holders may not have reached the board either."""
    shop = shop_with_a_claim(tmp_path)
    shop.claim("w1")
    shop.worker("w2").next()
    shop.now += 30.0
    shop.worker("w1")
    shop.wire("w2").is_down = True
    shop.during_pause = lambda: setattr(shop.wire("w2"), "is_down", False)
    assert isinstance(shop.worker("w2").next(), Idle)
    shop.now += 25.0
    assert isinstance(shop.worker("w2").next(), Working)
