"""kill -9 of one worker of three, at any time: the result is that of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from functools import partial

import pytest

from tests.scenarios.crashes import dying, has_died
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import WAIT, Place, Run
from tests.support.waiting import until

JOB = WordCount(
    partitions=12, before_map="sleep 0.02; ", before_reduce="sleep 0.02; ", flags=("--workers", "3", "--slots", "2")
)


def kill_some_worker(place: Place, seed: int) -> None:
    """Three kills, each when a number of attempts has begun that the seed decides, and a little later."""
    chance = random.Random(seed)
    tasks = JOB.map_tasks + JOB.partitions
    moments = sorted(chance.randrange(tasks) for _ in range(3))
    run = place.start(*JOB.arguments(place))
    killed = 0
    for moment in moments:
        until(partial(has_begun_or_is_over, place, run, moment), f"{moment} attempts")
        time.sleep(chance.uniform(0, 0.03))
        workers = run.workers()
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed += 1
    assert killed, "no worker was found: see Run.workers"
    done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, JOB)


def has_begun_or_is_over(place: Place, run: Run, attempts: int) -> bool:
    return len(place.attempts()) >= attempts or run.is_over()


@pytest.mark.parametrize("seed", range(3))
def test_workers_killed_at_random_change_nothing_in_the_result(place: Place, seed: int) -> None:
    kill_some_worker(place, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 100))
def test_workers_killed_at_a_hundred_random_moments_change_nothing_in_the_result(place: Place, seed: int) -> None:
    kill_some_worker(place, seed)


STEPS = {
    "while it plans": ("splits-00000", 0),
    "between a map output and its commit": ("journal/map-00000", 0),
    "in a commit": ("board COMMIT", 3),
    "before it closes the map phase": ("manifest", 0),
    "before it closes the reduce phase": ("reduce-00000.0.manifest", 0),
    "before it publishes": ("out/part-", 0),
    "between the parts that it publishes": ("out/part-", 5),
    "before it publishes _SUCCESS": ("out/_SUCCESS", 0),
}


@pytest.mark.parametrize(("on", "at"), STEPS.values(), ids=STEPS.keys())
def test_another_worker_goes_on_when_one_is_killed(place: Place, on: str, at: int) -> None:
    done = place.run(*JOB.arguments(place), environment=dying(place, on=on, at=at, who="--name"))

    assert has_died(place)
    assert done.code == 0, done.stderr
    assert_complete(place, JOB)


def test_the_command_of_a_killed_worker_is_ended_and_its_task_runs_again(place: Place) -> None:
    job = WordCount(split_bytes=100_000, before_map=f"{WAIT}", flags=("--workers", "2", "--slots", "1"))
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("map/0"), "the first attempt")
        before = commands(place)
        assert before
        for worker in run.workers():
            os.kill(worker, signal.SIGKILL)
        until(lambda: len(place.attempts("map/0")) == 2, "the second attempt")
        until(lambda: not before & commands(place), "the end of the first attempt's command")
        open_gate()
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)


def test_a_worker_that_is_asked_to_stop_gives_its_tasks_back_and_is_replaced(place: Place) -> None:
    """No attempt of a task counts as failed or lost: with one of each allowed, the job would end."""
    job = WordCount(before_map=WAIT, flags=("--workers", "2", "--slots", "1", "--max-attempts", "1"))
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: len(place.attempts("map")) == 2, "two map tasks")
        for stopped in range(2, 4):
            os.kill(run.workers()[0], signal.SIGTERM)
            until(partial(has_begun_or_is_over, place, run, stopped + 1), "an attempt of the new worker")
        open_gate()
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)


def commands(place: Place) -> set[int]:
    return {found.pid for found in place.processes() if found.command_line.startswith((b"sh\0-c", b"flock\0"))}


def test_a_run_whose_workers_are_killed_again_and_again_gives_up(place: Place) -> None:
    flags = ("--workers", "2", "--slots", "1", "--max-attempts", "1")
    job = WordCount(split_bytes=100_000, before_map="kill -9 $PPID; ", flags=flags)

    done = place.run(*job.arguments(place))

    assert done.code == 4
    assert "map/0, attempt 2: the worker of this task was lost 3 times" in done.stderr
    assert place.parts() == {}


def test_the_task_that_kills_its_workers_is_named_and_not_those_beside_it(place: Place) -> None:
    flags = ("--workers", "2", "--slots", "4", "--max-attempts", "1")
    job = WordCount(before_map='[ "$KUBEMR_TASK" != 2 ] || kill -9 $PPID; ', flags=flags)
    assert job.map_tasks > 8, "map/2 must exist, and run beside others"

    done = place.run(*job.arguments(place))

    assert done.code == 4
    assert " failed: map/2, attempt " in done.stderr
    assert "the worker of this task was lost 3 times, once when it ran alone" in done.stderr
