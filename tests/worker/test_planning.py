"""Tests of planning while the storage does not answer for some time."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from kubemr_shell.board.steps import Planning
from kubemr_shell.errors import StorageUnavailable
from kubemr_shell.job.state import JobState
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.waits import refusals
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.refusals import Refusals
from tests.worker.sites import Site

AWAY = "s3://b/plan: the server cannot be reached"


class AwayAtFirst(LocalStorage):
    """A folder whose first writes fail."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def write(self, uri: str, data: bytes | bytearray) -> None:
        if self.times:
            self.times -= 1
            raise StorageUnavailable(AWAY)
        super().write(uri, data)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "FIRST_PAUSE_SECONDS", 0.001)


def plan(site: Site, *, seconds: float) -> list[str | None]:
    """Plan the job of a site, and return the reports meanwhile."""
    told: list[str | None] = []
    board, cancel = site.board("planner"), Flag()
    outages = Refusals(
        budget_seconds=seconds, clock=time.monotonic, random=Random(1), longest_pause=0.001, tell=told.append
    )
    step = board.next()
    assert isinstance(step, Planning)
    site.planner(board, cancel, outages=outages).plan(step.claim)
    cancel.close()
    return told


def site_with(folder: Path, times: int) -> Site:
    (folder / "list").write_text(f"{folder}/list\n")
    return Site(folder, inputs_from=str(folder / "list"), storage=AwayAtFirst(times))


def test_a_storage_that_is_away_while_planning_is_waited_for(tmp_path: Path) -> None:
    site = site_with(tmp_path, times=5)
    told = plan(site, seconds=1e6)
    assert site.view().plan is not None
    assert told[0] == f"not reached, trying again for up to 1000000 s: {AWAY}"
    assert told[-1] is None


def test_a_storage_that_stays_away_fails_the_job_and_says_how_long_it_was_tried(tmp_path: Path) -> None:
    site = site_with(tmp_path, times=10**9)
    plan(site, seconds=0.05)
    view = site.view()
    assert view.state is JobState.FAIL
    assert view.failure is not None
    assert view.failure["reason"] == f"not reached for 0 s: {AWAY}"


def test_a_run_at_a_terminal_is_told_at_once(tmp_path: Path) -> None:
    site = site_with(tmp_path, times=1)
    assert plan(site, seconds=0) == []
    failure = site.view().failure
    assert failure is not None
    assert failure["reason"] == AWAY
