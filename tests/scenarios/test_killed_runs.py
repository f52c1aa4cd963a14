"""kill -9 of a whole run, supervisor and workers at once: ``--resume`` goes on with what was committed."""

from __future__ import annotations

import random
import time

import pytest

from kubemr_shell.board.shard_state import parse_state
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.job.kinds import SHARD_KIND
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import WAIT, Place
from tests.support.waiting import until

ONE_PROCESS = ("--slots", "2")
THREE_WORKERS = ("--workers", "3", "--slots", "2")
RUNS = pytest.mark.parametrize("flags", [ONE_PROCESS, THREE_WORKERS], ids=["one process", "three workers"])


def committed(place: Place) -> set[str]:
    """The map tasks that are done for good, as the board says after a kill."""
    store = SqliteStore(str(place.job_folder() / "board.sqlite"), create=False)
    try:
        shards = [document for document in store.list(SHARD_KIND) if document["spec"]["phase"] == "map"]
    finally:
        store.close()
    return {f"map/{shard['spec']['first'] + task}" for shard in shards for task in parse_state(shard).done}


def task(attempt: str) -> str:
    return attempt.partition(".")[0]


def is_killed_and_resumed_until_it_ends(place: Place, flags: tuple[str, ...], seed: int) -> None:
    """Each run but the last is killed when some more attempts have begun, and a little later."""
    chance = random.Random(seed)
    job = WordCount(before_map="sleep 0.01; ", before_reduce="sleep 0.01; ", flags=flags)
    done_before: set[str] = set()
    for _ in range(chance.randrange(1, 4)):
        begun = len(place.attempts())
        wanted = begun + chance.randrange(1, 14)
        run = place.start(*job.arguments(place), "--resume")
        until(lambda run=run, wanted=wanted: run.is_over() or len(place.attempts()) >= wanted, f"{wanted} attempts")  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.05))
        run.kill()
        assert not done_before & {task(attempt) for attempt in place.attempts()[begun:]}
        if (place.output / "_kubemr").exists() and any((place.output / "_kubemr").glob("*/board.sqlite")):
            done_before = committed(place)
    begun = len(place.attempts())
    done = place.run(*job.arguments(place), "--resume")
    assert done.code == 0, done.stderr
    assert not done_before & {task(attempt) for attempt in place.attempts()[begun:]}
    assert_complete(place, job)


@RUNS
@pytest.mark.parametrize("seed", range(2))
def test_a_run_that_is_killed_again_and_again_gives_the_same_result(
    place: Place, flags: tuple[str, ...], seed: int
) -> None:
    is_killed_and_resumed_until_it_ends(place, flags, seed)


@pytest.mark.slow
@RUNS
@pytest.mark.parametrize("seed", range(2, 50))
def test_runs_killed_at_a_hundred_random_moments_give_the_same_result(
    place: Place, flags: tuple[str, ...], seed: int
) -> None:
    is_killed_and_resumed_until_it_ends(place, flags, seed)


@RUNS
def test_no_map_task_runs_again_after_a_kill_in_the_reduce_phase(place: Place, flags: tuple[str, ...]) -> None:
    job = WordCount(before_reduce=WAIT, flags=flags)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("reduce"), "a reduce task")
        run.kill()
        maps = place.attempts("map")
        assert len({task(attempt) for attempt in maps}) == job.map_tasks
        open_gate()
        done = place.run(*job.arguments(place), "--resume")
    assert done.code == 0, done.stderr
    assert place.attempts("map") == maps
    assert_complete(place, job)


@RUNS
def test_commands_that_a_killed_run_left_are_ended_by_the_resumption(place: Place, flags: tuple[str, ...]) -> None:
    job = WordCount(before_map="trap '' TERM; setsid sleep 1000 & wait; ", flags=flags)
    run = place.start(*job.arguments(place))
    until(lambda: place.attempts("map"), "a map task")
    run.kill()
    assert place.processes()

    done = place.run(*job.arguments(place), "--resume", "-m", "cat")

    assert done.code == 2, "the other mapCommand is refused, but only after the leftovers were ended"
    assert place.processes() == []


def test_workers_end_by_themselves_when_only_their_supervisor_is_killed(place: Place) -> None:
    job = WordCount(before_map="sleep 1000; ", flags=THREE_WORKERS)
    run = place.start(*job.arguments(place))
    until(lambda: len(place.attempts("map")) == 6, "six map tasks")

    run.process.kill()

    until(lambda: place.processes() == [], "the end of all workers and commands")


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_a_run_that_follows_at_once_waits_for_the_workers_of_one_whose_supervisor_was_killed(
    place: Place, flag: str
) -> None:
    """They are ending commands that do not listen; that counts as nobody's failure."""
    deaf = """trap 'echo >> "$HEARD"' TERM; sleep 1000 & while :; do wait; done; """
    first = f"[ -e going ] || {{ {deaf}}}; ".replace("going", str(place.folder / "going"))
    job = WordCount(before_map=first, flags=("--workers", "2", "--slots", "1", "--max-attempts", "1"))
    run = place.start(*job.arguments(place), environment={"HEARD": str(place.folder / "heard")})
    until(lambda: len(place.attempts("map")) == 2, "two map tasks")
    run.process.kill()
    until((place.folder / "heard").exists, "the SIGTERM of a command")
    place.write("going", "")

    done = place.run(*job.arguments(place), flag)

    assert done.code == 0, done.stderr
    assert_complete(place, job)
