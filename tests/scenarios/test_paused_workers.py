"""A worker that is stopped past its lease, as by a suspended machine, and wakes when others have done its work."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

import pytest

from kubemr_shell.board.timing import Timing
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import WAIT, Place, Run, parent_of
from tests.support.waiting import until

pytestmark = pytest.mark.slow
EXPIRY_SECONDS = Timing.local().expiry_seconds
JOB = WordCount(flags=("--workers", "2", "--slots", "1"))


def stop_whoever_runs(place: Place, run: Run, attempt: str) -> int:
    """Stop the worker that runs the attempt, but not its command; its process id."""
    until(lambda: attempt in place.attempts(), attempt)
    [worker] = {
        parent_of(found.pid)
        for found in place.processes()
        if runs(found.pid, attempt) and parent_of(found.pid) in run.workers()
    }
    os.kill(worker, signal.SIGSTOP)
    return worker


def runs(pid: int, attempt: str) -> bool:
    phase, _, rest = attempt.partition("/")
    task, _, number = rest.partition(".")
    wanted = {f"KUBEMR_PHASE={phase}", f"KUBEMR_TASK={task}", f"KUBEMR_ATTEMPT={number}"}
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return wanted <= set(file.read().decode(errors="replace").split("\0"))
    except (FileNotFoundError, ProcessLookupError):  # one of another task, which has ended since it was listed
        return False


@pytest.mark.parametrize("phase", ["map", "reduce"])
def test_the_task_of_a_stopped_worker_is_done_by_another_and_counted_once(place: Place, phase: str) -> None:
    """Its first attempt waits. The worker wakes when another attempt has won, and finds its claim gone."""
    gate = {f"before_{phase}": f'[ "$KUBEMR_TASK.$KUBEMR_ATTEMPT" != 0.0 ] || {{ {WAIT} }}; '}
    job = replace(JOB, **gate)  # type: ignore[arg-type]
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        stopped = stop_whoever_runs(place, run, f"{phase}/0.0")
        until(lambda: f"{phase}/0.1" in place.attempts(), "a second attempt")
        open_gate()
        os.kill(stopped, signal.SIGCONT)
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)


def test_a_worker_that_was_stopped_for_a_moment_keeps_its_task(place: Place) -> None:
    job = replace(JOB, before_map=f'[ "$KUBEMR_TASK" != 0 ] || {{ {WAIT} }}; ')
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        stopped = stop_whoever_runs(place, run, "map/0.0")
        time.sleep(EXPIRY_SECONDS / 5)
        os.kill(stopped, signal.SIGCONT)
        open_gate()
        done = run.wait()
    assert done.code == 0, done.stderr
    assert place.attempts("map/0") == ["map/0.0"]
    assert_complete(place, job)


def test_a_worker_that_wakes_after_the_end_changes_nothing(place: Place) -> None:
    job = replace(JOB, before_reduce=f'[ "$KUBEMR_TASK.$KUBEMR_ATTEMPT" != 0.0 ] || {{ {WAIT} }}; ')
    with place.closed_gate():
        run = place.start(*job.arguments(place))
        stopped = stop_whoever_runs(place, run, "reduce/0.0")
        until((place.output / "_SUCCESS").exists, "the result")
        os.kill(stopped, signal.SIGCONT)
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)


def test_a_run_does_not_wait_for_a_worker_that_never_wakes(place: Place) -> None:
    job = replace(JOB, before_reduce=f'[ "$KUBEMR_TASK.$KUBEMR_ATTEMPT" != 0.0 ] || {{ {WAIT} }}; ')
    with place.closed_gate():
        run = place.start(*job.arguments(place))
        stop_whoever_runs(place, run, "reduce/0.0")
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)


def test_a_command_that_is_stopped_with_its_worker_goes_on_with_it(place: Place) -> None:
    """Ctrl-Z and fg: everything stops past the lease, and nothing is lost or done twice in the result."""
    job = replace(JOB, before_map="sleep 0.1; ")
    run = place.start(*job.arguments(place))
    until(lambda: len(place.attempts("map")) > 3, "some map tasks")
    everything = [run.process.pid, *(found.pid for found in place.processes())]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in everything:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        if number == signal.SIGSTOP:
            time.sleep(EXPIRY_SECONDS * 1.1)
    assert run.wait().code == 0
    assert_complete(place, job)
