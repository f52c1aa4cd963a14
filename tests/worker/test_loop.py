"""Tests of the loop of a worker on a real board. The test decides when the attempts of its slots end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kubemr_shell.board.steps import Attempt, Finishing, Working
from kubemr_shell.errors import StorageError
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.storage.interface import ObjectInfo
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.attempt_results import Result
from kubemr_shell.worker.old_result import OldResult
from tests.support.http_server import Resource, serving
from tests.support.waiting import PATIENCE_SECONDS, until
from tests.worker.sites import LOCAL, TASKS, Looping, Site, Turns


def test_tasks_that_another_worker_has_stolen_are_not_run(tmp_path: Path) -> None:
    site, runner = Site(tmp_path), Turns()
    site.plan()
    with site.looping(runner) as looping:
        runner.go_on(1)
        until(lambda: len(runner.begun) == 2)
        waiting = {task for claim in site.shard().claims.values() for task in claim.tasks} - {runner.begun[1].task}
        thief = site.board("thief")
        stolen: set[int] = set()
        while not stolen:
            step = thief.next()
            assert isinstance(step, Working)
            stolen = waiting & {attempt.task for attempt in step.claim.attempts}
        for done in (2, 3):
            runner.go_on(1)
            until(lambda done=done: len(site.shard().done) == done)  # type: ignore[misc]
        runner.go_on(TASKS)
        until(lambda: looping.slots.unstarted() == 0)
    assert not {Attempt(task, 0) for task in stolen} & set(runner.begun)


def test_what_a_worker_has_made_is_deleted_at_once_when_its_commit_comes_too_late(tmp_path: Path) -> None:
    """The worker runs the fourth task when its lease has ended, and another worker has taken its claim over."""
    now, later = 0.0, time.monotonic()

    class Staging(Turns):
        def run(self, phase: Phase, attempt: Attempt, cancel: Flag) -> Result:
            (tmp_path / "stage" / f"{attempt.task}.{attempt.attempt}").touch()
            return super().run(phase, attempt, cancel)

    site, runner = Site(tmp_path), Staging()
    site.plan()
    with site.looping(runner, clock=lambda: now):
        runner.go_on(3)
        until(lambda: len(runner.begun) == 4)
        thief = site.board("thief", lambda: later)
        made = {f"{attempt.task}.{attempt.attempt}" for attempt in runner.begun[1:3]}  # the first was committed
        taken: set[str] = set()
        while not made <= taken:
            later += LOCAL.lease_seconds
            step = thief.next()
            if isinstance(step, Working):
                taken = {f"{attempt.task}.{attempt.attempt - 1}" for attempt in step.claim.attempts}
        assert made < {path.name for path in (tmp_path / "stage").iterdir()}
        now = LOCAL.commit_seconds
        runner.go_on(1)
        until(lambda: not made & {path.name for path in (tmp_path / "stage").iterdir()})


def test_a_job_whose_journal_never_shows_what_was_written_ends_with_an_error(tmp_path: Path) -> None:
    """The cause may be a store that takes two names for one, and lists neither."""

    class Forgetful(LocalStorage):
        def list(self, prefix: str) -> Iterator[ObjectInfo]:
            return iter(())

    site, runner = Site(tmp_path, storage=Forgetful()), Turns()
    site.plan()
    runner.go_on(TASKS * 20)
    with pytest.raises(StorageError, match="lost or damaged again and again"), site.looping(runner) as looping:
        looping.thread.join(PATIENCE_SECONDS)


def test_a_busy_worker_looks_whether_the_job_has_ended_as_often_as_its_timing_says(tmp_path: Path) -> None:
    now, looks = 0.0, 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return now

    site, runner = Site(tmp_path), Turns()
    site.plan()
    with site.looping(runner, timing=replace(LOCAL, commit_seconds=0.001), clock=clock) as looping:
        until(lambda: bool(runner.begun))
        site.board("owner").fail_job({"reason": "of another worker"})
        seen = looks
        until(lambda: looks > seen + 100)
        assert looping.thread.is_alive()
        now = LOCAL.state_seconds
        until(runner.is_cancelled)
        runner.go_on(1)
        looping.thread.join(PATIENCE_SECONDS)
        assert not looping.thread.is_alive()


def test_a_worker_that_is_stopped_while_it_plans_gives_the_planning_back_at_once(tmp_path: Path) -> None:
    """The inputs are on a server that never ends its answer, so that only ``stop`` can end the planning."""
    endless = Resource(b"a\nb\n", hold=threading.Event(), trickles=True, says_length=False)
    with serving({"/list": endless}) as server:
        site = Site(tmp_path, inputs_from=server.url("/list"))
        with site.looping(Turns()) as looping:
            assert server.half_sent.wait(PATIENCE_SECONDS)
            assert site.view().planner is not None
            looping.loop.stop()
            looping.thread.join(PATIENCE_SECONDS)
            assert not looping.thread.is_alive()
            view = site.view()
    assert (view.state, view.planner, view.plan) == (JobState.DEPLOYED, None, None)


def test_a_worker_gives_back_what_it_holds_when_its_job_was_retried_meanwhile(tmp_path: Path) -> None:
    """The worker knows only an old state of the job, and may not know that the job had ended."""
    site, runner = Site(tmp_path), Turns()
    site.plan()
    with site.looping(runner, timing=replace(LOCAL, state_seconds=0.05, commit_seconds=0.05)) as looping:
        until(lambda: bool(runner.begun))
        user = site.board("user")
        user.cancel()
        user.retry({"maxAttempts": 7})
        user.deploy()
        until(runner.is_cancelled)
        runner.go_on(1)
        looping.thread.join(PATIENCE_SECONDS)
        assert not looping.thread.is_alive()
        shard, view = site.shard(), site.view()
    assert shard.claims == {}
    assert len(shard.done) < TASKS
    assert view.state is JobState.DEPLOYED


def test_a_worker_that_is_stopped_while_it_finishes_gives_the_finish_back_at_once(tmp_path: Path) -> None:
    looping: list[Looping] = []

    class Stopping(OldResult):
        """An old result. The worker is stopped while its parts are removed."""

        def remove_others(self, kept: set[str]) -> None:
            looping[0].loop.stop()

    old = Stopping(storage=LocalStorage(), output=str(tmp_path), uid="uid", parts=("part-00099",))
    site, runner = Site(tmp_path, old_result=old), Turns()
    site.plan()
    runner.go_on(TASKS + 1)
    with site.looping(runner) as worker:
        looping.append(worker)
        worker.thread.join(PATIENCE_SECONDS)
        view = site.view()
        assert (view.state, view.finisher) == (JobState.PUBLISH, None)
        assert isinstance(site.board("another").next(), Finishing)
    assert not (tmp_path / "_SUCCESS").exists()
