"""The Board against everything that may go wrong (board_machine), and the machine against planted bugs.

A planted bug is a store that leaves out some test operations. The machine has to notice each that matters:

    /state/next, redo, done            two writers would lose one another's tasks
    /state/failed with att, fails, lost    likewise
    /state/claims/*/r                  a commit would take in tasks that were stolen meanwhile
    /state/epoch with att              a late reopening would be carried out twice
    /status/turn, with that of lanes   two closes, or a close and a reopening, would lose one of them
    /status/state with turn            a late write would revive a job that has ended

These it finds too, but after some thousands of games. Tests of their own find them at once: test_a_task_that_fails_
while_its_job_is_retried_fails_the_retried_job and test_a_closing_under_way_does_not_undo_a_reopening:

    /state/retry                       a task would have failed for good in a job that neither fails nor tries again
    /status/lanes/*/turn               a shard would be closed without what a reopening has ordered

One alone can be left out without harm to the invariants, for these reasons; what it is there for is shown elsewhere:

    /state/att        whoever claims reads the number from the document that the patch made, and whoever raises it
                      tests the claim, or the epoch: epoch and att guard a reopening twice
    /state/epoch      likewise
    /state/failed     whoever changes it changes the attempt numbers too, or forgives the failures
    /state/fails      is written only by a holder, whose claim is tested; a retry that overlooks one more failure
    /state/lost       likewise grants one more attempt
    /state/claims/*/hb    the holder is fenced by its id: without it work is lost, nothing else
                          (test_a_renewal_in_the_last_moment_saves_the_claim)
    /status/*/hb      likewise (test_a_planner_that_renews_in_the_last_moment_stays_planner)
    /status/state     what ends a job or moves it on raises the turn; this one is for writers that do not, and for
                      closings, which a job that has ended would survive
    /status/*/id      taking a role raises the turn
    /metadata/uid     the machine makes no second job (test_a_new_job_of_the_same_name_is_not_touched)
"""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.board_machine import BoardMachine

SETTINGS = settings(
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
WITHOUT_SHRINKING = settings(SETTINGS, max_examples=6000, phases=[Phase.generate], report_multiple_bugs=False)
SHORT = settings(WITHOUT_SHRINKING, max_examples=60)

FOUND_SOON = [r"/state/next", r"/state/done", r"/status/(.*/)?turn"]
FOUND_LATER = [
    r"/state/redo",
    r"/state/(failed|att|fails|lost)",
    r"/state/claims/[^/]+/r",
    r"/state/(epoch|att)",
    r"/status/turn",
    r"/status/(state|turn)",
]


def test_no_order_of_events_breaks_the_board() -> None:
    run_state_machine_as_test(BoardMachine, settings=settings(SETTINGS, max_examples=100))


def test_a_worker_that_opens_the_board_again_after_a_retry_commits_under_a_new_id() -> None:
    """Replay steps after which the model once gave the id of a claim a second time: "won without a claim"."""
    for choice in range(8):
        machine = BoardMachine()
        machine.start(tasks=12, partitions=1, agents=2, slots=2, max_attempts=2, reached="MAP", further=0)
        for _ in range(2):
            machine.act_undisturbed(2, choice, "look for work", 1)
        for _ in range(3):  # run, commit, run
            machine.act_undisturbed(2, choice, "sensibly", 1)
        machine.ask("cancel", whole=True)
        machine.ask("retry", whole=True)
        for _ in range(2):
            machine.act_undisturbed(2, choice, "look for work", 1)
        machine._begin(2, choice, "look for work")
        while (call := machine.players[2].call) is not None:
            machine.answer(2, "down" if call.what.startswith("get job-m") else "answered", "answered", 1)
        machine.act_undisturbed(2, choice, "sensibly", 1)
        machine.teardown()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", range(6))
def test_no_order_of_events_breaks_the_board_however_long_one_tries(number: int) -> None:
    run_state_machine_as_test(_machine(seed=number), settings=settings(SETTINGS, max_examples=300))


@pytest.mark.parametrize("planted", FOUND_SOON)
def test_a_planted_bug_is_found(planted: str) -> None:
    """Many short searches: how long one takes depends on its seed, and on the version of Hypothesis.

    The first seed is one with which each of them ends soon.
    """
    assert any(_finds(planted, seed=seed) for seed in range(3, 100))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("planted", FOUND_LATER)
def test_a_planted_bug_is_found_in_the_end(planted: str) -> None:
    _assert_found(planted)


def _finds(planted: str, *, seed: int) -> bool:
    try:
        run_state_machine_as_test(_machine(seed=seed, planted=planted), settings=SHORT)
    except AssertionError:
        return True
    return False


def _assert_found(planted: str) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(_machine(seed=1, planted=planted), settings=WITHOUT_SHRINKING)


def _machine(*, seed: int, planted: str | None = None) -> type[BoardMachine]:
    machine = type("Machine", (BoardMachine,), {"planted": planted})
    return hypothesis.seed(seed)(machine)
