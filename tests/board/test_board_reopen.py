"""Tests of lost outputs of committed tasks: these tasks run again, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kubemr_shell.board.steps import Attempt, Closing, Over, Step, Working
from kubemr_shell.job.state import JobState, Phase
from tests.board.boards import Workshop, attempts, tasks


def working_in(phase: Phase) -> Callable[[Step], bool]:
    return lambda step: isinstance(step, Working) and step.claim.phase is phase


def test_a_map_task_is_done_again_and_its_shard_counts_it_once(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(3)
    shop.run_to(Phase.REDUCE)
    user = shop.worker("user")
    user.reopen(Phase.MAP, attempts((1, 0)))
    view = user.view()
    assert (view.state, view.epoch, view.shard_epoch(Phase.MAP, 0)) == (JobState.MAP, 1, 1)
    claim = shop.claim("w1")
    assert claim.attempts == attempts((1, 1))
    shop.worker("w1").commit(claim, claim.attempts, more=False)
    closing = shop.worker("w1").next()
    assert closing == Closing(
        phase=Phase.MAP,
        epoch=1,
        shard=0,
        first=0,
        winners=(0, 1, 0),
        counted=attempts((1, 1)),
        replaced=attempts((1, 0)),
    )
    shop.worker("w1").close(closing, {"g": {"n": 0}})
    assert shop.run("w1") == Over(state=JobState.COMPLETE)
    assert shop.worker("w1").view().counters[Phase.MAP] == {"g": {"n": 3}}


@pytest.mark.parametrize(
    "lost",
    [
        attempts((1, 5)),  # never won
        attempts((77, 0)),  # no such task
        (),
    ],
)
def test_what_did_not_win_reopens_nothing(tmp_path: Path, lost: tuple[Attempt, ...]) -> None:
    shop = Workshop(tmp_path)
    shop.plan(3)
    shop.run_to(Phase.REDUCE)
    shop.worker("user").reopen(Phase.MAP, lost)
    assert shop.state() is JobState.REDUCE


def test_reopening_twice_is_reopening_once(tmp_path: Path) -> None:
    """The second order comes before the task runs again, while it runs, and after it has run."""
    shop = Workshop(tmp_path)
    shop.plan(3)
    shop.run_to(Phase.REDUCE)
    user = shop.worker("user")
    for _ in range(2):
        user.reopen(Phase.MAP, attempts((1, 0)))
        assert user.view().epoch == 1
    claim = shop.claim("w1")
    user.reopen(Phase.MAP, attempts((1, 0)))
    shop.worker("w1").commit(claim, claim.attempts, more=False)
    user.reopen(Phase.MAP, attempts((1, 0)))
    assert user.view().epoch == 1


def test_losses_for_which_the_job_has_no_room_are_reported_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next reader finds them after the first tasks have run again, so each of them runs again."""
    monkeypatch.setattr("kubemr_shell.board.job_moves.MOST_REOPENED", 2)
    shop = Workshop(tmp_path)
    shop.plan(5)
    shop.run_to(Phase.REDUCE)
    lost = [Attempt(task, 0) for task in range(5)]
    rounds = []
    while ordered := shop.worker("user").reopen(Phase.MAP, lost):
        rounds.append(ordered)
        assert shop.worker("user").reopen(Phase.MAP, lost) == []
        shop.run_to(Phase.REDUCE)
    assert rounds == [lost[:2], lost[2:4], lost[4:]]
    assert shop.run("w1") == Over(state=JobState.COMPLETE)


def test_a_second_loss_in_the_same_shard_is_added(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(3)
    shop.run_to(Phase.REDUCE)
    user = shop.worker("user")
    user.reopen(Phase.MAP, attempts((1, 0)))
    claim = shop.claim("w1")
    user.reopen(Phase.MAP, attempts((2, 0)))
    assert user.view().shard_epoch(Phase.MAP, 0) == 2
    shop.worker("w1").commit(claim, claim.attempts, more=False)
    assert tasks(shop.claim("w1")) == [2], "the shard is not closed before that"


def test_reduces_go_on_while_a_map_task_runs_again(tmp_path: Path) -> None:
    """A reduce attempt that has read all its input may commit. Its shard is closed after the map shards."""
    shop = Workshop(tmp_path)
    shop.plan(2)
    shop.run_to(Phase.REDUCE)
    reducing = shop.claim("w1")
    shop.worker("user").reopen(Phase.MAP, attempts((0, 0)))
    shop.worker("w1").commit(reducing, reducing.attempts, more=False)
    step = shop.run("w2", until=lambda step: isinstance(step, Closing))
    assert isinstance(step, Closing)
    assert step.phase is Phase.MAP
    assert shop.run("w2") == Over(state=JobState.COMPLETE)


def test_parts_that_are_lost_before_they_are_published_are_published_by_another_attempt(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(1, partitions=2)
    shop.run_to(Phase.PUBLISH)
    publishing = shop.claim("w1")
    shop.worker("w1").reopen(Phase.REDUCE, attempts((1, 0)))
    shop.worker("w1").give_back(publishing, publishing.attempts)
    assert shop.state() is JobState.REDUCE
    step = shop.run("w2", until=working_in(Phase.PUBLISH))
    assert isinstance(step, Working)
    assert step.claim.attempts == attempts((0, 1)), "by giving it back; nobody held it when it was reopened"
    shop.worker("w2").give_back(step.claim)
    assert shop.run("w2") == Over(state=JobState.COMPLETE)


def test_a_publisher_that_has_read_the_old_manifest_cannot_commit(tmp_path: Path) -> None:
    """The task of PUBLISH is ordered again together with the part, so the new part is published."""
    shop = Workshop(tmp_path)
    shop.plan(1, partitions=2)
    shop.run_to(Phase.PUBLISH)
    old = shop.claim("w1")
    shop.worker("w2").reopen(Phase.REDUCE, attempts((1, 0)))
    shop.worker("w1").commit(old, old.attempts, more=False)
    step = shop.run("w2", until=working_in(Phase.PUBLISH))
    assert isinstance(step, Working)
    assert step.claim.attempts == attempts((0, 1))


def test_a_late_report_about_maps_does_not_stop_publishing(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(2)
    shop.run_to(Phase.PUBLISH)
    shop.worker("user").reopen(Phase.MAP, attempts((0, 0)))
    assert shop.state() is JobState.PUBLISH


def test_an_old_closing_of_a_reopened_shard_is_ignored(tmp_path: Path) -> None:
    """Two workers close a shard. One is so slow that the shard is reopened and covered again meanwhile."""
    shop = Workshop(tmp_path)
    shop.plan(2)
    closing = shop.run("w1", until=lambda step: isinstance(step, Closing))
    assert isinstance(closing, Closing)
    shop.worker("w1").close(closing, {"g": {"n": 2}})
    shop.worker("user").reopen(Phase.MAP, attempts((0, 0)))
    claim = shop.claim("w2")
    shop.worker("w2").commit(claim, claim.attempts, more=False)
    shop.worker("w1").close(closing, {"g": {"n": 2}})
    assert shop.state() is JobState.MAP


def test_a_closing_under_way_does_not_undo_a_reopening(tmp_path: Path) -> None:
    """The closing tests only the turn of its lane, which the reopening has raised."""
    shop = Workshop(tmp_path, workers=20)
    shop.plan(2)
    first = shop.run("w1", until=lambda step: isinstance(step, Closing))
    assert isinstance(first, Closing)

    def overtaken() -> None:
        shop.run("w2", until=working_in(Phase.REDUCE))
        shop.worker("w2").reopen(Phase.MAP, [Attempt(first.first, 0)])

    shop.wire("w1").before_patch = overtaken
    shop.worker("w1").close(first, {"g": {"n": 1}})
    view = shop.worker("w1").view()
    assert (view.state, list(view.closed_shards(Phase.MAP))) == (JobState.MAP, [1 - first.shard])


def test_winners_without_a_journal_run_again_before_the_shard_is_closed(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(2)
    shop.run("w1", until=lambda step: isinstance(step, Closing))
    shop.worker("w1").reopen(Phase.MAP, attempts((1, 0)))
    closing = shop.run("w1", until=lambda step: isinstance(step, Closing))
    assert isinstance(closing, Closing)
    assert (closing.winners, closing.counted, closing.replaced) == ((0, 1), attempts((0, 0), (1, 1)), ())
