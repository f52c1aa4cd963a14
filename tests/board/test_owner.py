"""Tests of the board of a process that does not work on the job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemr_shell.board.job_board import create_job
from kubemr_shell.board.owner import owner_board
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import JobNotFound
from kubemr_shell.job.state import JobState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "board.db"))
    create_job(store, name="job", uid="u", spec={"a": 1})
    yield store
    store.close()


def test_an_owner_reads_and_changes_a_job_without_slots(store: SqliteStore) -> None:
    board = owner_board(store, "job", timing=Timing.local())
    assert (board.uid, board.first_view.state) == ("u", JobState.PENDING)
    board.deploy()
    assert board.view().state is JobState.DEPLOYED
    board.cancel()
    assert board.view().state is JobState.CANCELLED
    board.retry({"a": 2})
    view = board.view()
    assert (view.state, view.retry, view.spec) == (JobState.PENDING, 1, {"a": 2})
    owner_board(store, "job", timing=Timing.local()).fail({"reason": "the time is up"})
    assert board.view().state is JobState.FAIL


def test_a_job_that_is_not_there_is_named(store: SqliteStore) -> None:
    with pytest.raises(JobNotFound, match=r"^other: "):
        owner_board(store, "other", timing=Timing.local())
