import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from kubemr_shell.board.board import Board
from kubemr_shell.board.steps import Idle, Planning, RoleClaim
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.worker.lease import kept
from tests.support.waiting import until

TIMING = Timing.local()


class Rival:
    """A worker that plans as soon as the planner counts as dead. The test sets its clock."""

    def __init__(self, store: SqliteStore) -> None:
        self._now = 0.0
        self._board = board_of(store, "rival", clock=lambda: self._now)

    def looks_after(self, seconds: float) -> object:
        self._now += seconds
        return self._board.next()

    def beat(self) -> int:
        planner = self._board.view().planner
        assert planner is not None
        return planner.beat


def board_of(store: SqliteStore, worker: str, clock: object = time.monotonic) -> Board:
    return Board(store, "job", worker, slots=1, workers=2, timing=TIMING, clock=clock, random=Random(worker))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "board.sqlite"))
    Board.create(store, name="job", uid="uid", spec={})
    yield store
    store.close()


def planner_of(board: Board) -> RoleClaim:
    board.deploy()
    step = board.next()
    assert isinstance(step, Planning)
    return step.claim


def test_a_role_is_kept_for_as_long_as_its_work_runs(store: SqliteStore) -> None:
    board = board_of(store, "planner")
    claim = planner_of(board)
    rival = Rival(store)
    assert isinstance(rival.looks_after(0), Idle)
    with kept(board, claim, every_seconds=0.01):
        for _ in range(3):
            seen = rival.beat()
            until(lambda seen=seen: rival.beat() != seen)  # type: ignore[misc]
            assert isinstance(rival.looks_after(2 * TIMING.lease_seconds), Idle)
    assert isinstance(rival.looks_after(0), Idle)
    assert isinstance(rival.looks_after(TIMING.expiry_seconds), Planning)


def test_a_role_that_was_taken_over_is_not_renewed(store: SqliteStore) -> None:
    board = board_of(store, "planner")
    claim = planner_of(board)
    rival = Rival(store)
    rival.looks_after(0)
    assert isinstance(rival.looks_after(TIMING.expiry_seconds), Planning)
    with kept(board, claim, every_seconds=0.01):
        pass
    assert rival.beat() == 0
