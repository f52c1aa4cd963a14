"""Tests of a new job, on its own board, that begins with the maps of a complete job."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_copy import copy_with_maps
from kubemr_shell.board.steps import Attempt, Working
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import IllegalTransition
from kubemr_shell.job.state import JobState, Phase
from tests.board.boards import TIMING, Workshop


def board_on(store: SqliteStore) -> Board:
    return Board(store, "job", "new", slots=2, workers=1, timing=TIMING, clock=time.monotonic, random=Random(1))


def test_it_goes_on_with_the_reduces_under_its_own_spec(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(3, partitions=2)
    shop.run("w1")
    old = shop.worker("w1").view()
    target = SqliteStore(str(tmp_path / "new.db"))

    copy_with_maps(shop.wire("w1"), target, job="job", uid="uid-2", spec={"maxAttempts": 7})

    board = board_on(target)
    board.deploy()
    step = board.next()
    assert isinstance(step, Working)
    assert step.claim.phase is Phase.REDUCE
    view = board.view()
    assert (view.state, view.spec, view.publishing, view.results) == (JobState.REDUCE, {"maxAttempts": 7}, False, None)
    assert view.counters == {Phase.MAP: old.counters[Phase.MAP]}
    assert view.shard_epoch(Phase.MAP, 0) == old.shard_epoch(Phase.MAP, 0), "the manifests are found"
    assert view.base(Phase.REDUCE) > old.base(Phase.REDUCE), "no name is used twice"
    assert shop.worker("w1").view() == old
    target.close()


def test_a_map_task_whose_output_is_lost_runs_again_as_its_next_attempt(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(3, partitions=2)
    shop.run("w1")
    target = SqliteStore(str(tmp_path / "new.db"))
    copy_with_maps(shop.wire("w1"), target, job="job", uid="uid-2", spec={"maxAttempts": 7})
    board = board_on(target)
    board.deploy()

    reducing = board.next()
    assert isinstance(reducing, Working)

    board.reopen(Phase.MAP, [Attempt(1, 0)])

    step = board.next()
    assert isinstance(step, Working)
    assert (step.claim.phase, step.claim.attempts) == (Phase.MAP, (Attempt(1, 1),))
    target.close()


def test_a_job_that_is_not_complete_gives_nothing_away(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(3, partitions=2)
    shop.run_to(Phase.REDUCE)
    target = SqliteStore(str(tmp_path / "new.db"))
    with pytest.raises(IllegalTransition):
        copy_with_maps(shop.wire("user"), target, job="job", uid="uid-2", spec={})
    assert target.list("TaskShard") == target.list("MapReduceJob") == []
    target.close()
