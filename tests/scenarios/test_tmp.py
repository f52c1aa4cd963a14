"""``--tmp``: the intermediate data elsewhere than the output, on this machine."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.scenarios.crashes import dying
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import WAIT, Place
from tests.support.waiting import until

TMP = ("--tmp", "else/where")
JOB = WordCount(flags=(*TMP, "--slots", "2"))


def left(place: Place) -> list[str]:
    """Return the names below the folder of ``--tmp``."""
    folder = place.folder / "else" / "where"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def temporaries(place: Place) -> Path:
    [folder] = (place.folder / "else" / "where").iterdir()
    return folder


def test_the_temporaries_are_there_while_it_runs_and_gone_at_its_end(place: Place) -> None:
    job = WordCount(before_reduce=WAIT, flags=JOB.flags)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("reduce"), "a reduce task")
        assert len(list((temporaries(place) / "map").iterdir())) == job.map_tasks
        assert sorted(path.name for path in temporaries(place).iterdir()) == ["journal", "map", "plan"]
        assert not (place.job_folder() / "map").exists()
        open_gate()
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)
    assert left(place) == []


@pytest.mark.parametrize("flags", [("--slots", "2"), ("--workers", "2", "--slots", "1")], ids=["one process", "two"])
@pytest.mark.parametrize("seed", range(2))
def test_a_killed_run_finds_them_again_without_being_told(place: Place, flags: tuple[str, ...], seed: int) -> None:
    chance = random.Random(seed)
    job = WordCount(before_map="sleep 0.01; ", before_reduce="sleep 0.01; ", flags=flags)
    run = place.start(*job.arguments(place), *TMP)
    wanted = chance.randrange(3, job.map_tasks + 3)
    until(lambda: run.is_over() or len(place.attempts()) >= wanted, f"{wanted} attempts")
    time.sleep(chance.uniform(0, 0.05))
    run.kill()

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 0, done.stderr
    assert_complete(place, job)
    assert left(place) == []


def test_a_resumption_with_another_place_is_refused(place: Place) -> None:
    place.run(*JOB.arguments(place), environment=dying(place, on="reduce-00000", at=0))
    done = place.run(*JOB.arguments(place), "--tmp", "other", "--resume")
    assert done.code == 2
    assert f"the temporaries of the unfinished job are in {temporaries(place)}" in done.stderr
    assert place.run(*JOB.arguments(place), "--resume").code == 0
    assert_complete(place, JOB)


def test_a_place_in_the_output_is_refused(place: Place) -> None:
    done = place.run(*WordCount().arguments(place), "--tmp", "out/tmp")
    assert done.code == 2
    assert "--tmp out/tmp is at or under the output" in done.stderr
    assert not place.output.exists()


@pytest.mark.parametrize("output", [(), ("-o", "out")], ids=["stdout", "a folder"])
def test_a_place_under_an_input_is_refused(place: Place, output: tuple[str, ...]) -> None:
    """Whoever planned again after a killed planner would read the plan of the first."""
    (place.folder / "texts").mkdir()
    place.write("texts/a", "a\n")
    done = place.run("run", "-m", "cat", *output, "--tmp", "texts/tmp", "texts")
    assert done.code == 2
    assert "texts/tmp is at or under the input texts: choose a folder outside it" in done.stderr
    assert [path.name for path in (place.folder / "texts").iterdir()] == ["a"]


@pytest.mark.parametrize("tmp", ["file", "file/deeper", "link", "/proc/nothing"])
def test_a_place_that_cannot_be_made_is_named_and_nothing_is_left(place: Place, tmp: str) -> None:
    place.write("words", b"a\n")
    place.write("file", b"mine")
    (place.folder / "link").symlink_to("gone")
    done = place.run("run", "-m", "cat", "-o", "out", "--tmp", tmp, "words")
    assert done.code == 1
    assert f"kubemr-shell: {place.folder / tmp}/" in done.stderr
    assert done.stderr.endswith(": choose a place where a folder can be made\n")
    assert list(place.output.iterdir()) == []
    assert (place.folder / "file").read_bytes() == b"mine"


def test_a_job_that_failed_keeps_them_until_it_is_cleaned(place: Place) -> None:
    job = WordCount(before_reduce="exit 3; ", flags=(*JOB.flags, "--max-attempts", "1"))
    assert place.run(*job.arguments(place)).code == 4
    assert len(list((temporaries(place) / "map").iterdir())) == job.map_tasks
    assert place.run("clean", "out").code == 0
    assert left(place) == []


@pytest.mark.parametrize("at", range(8))
def test_what_a_run_leaves_that_dies_while_it_cleans_up_is_removed_by_the_next(place: Place, at: int) -> None:
    died = place.run(*JOB.arguments(place), environment=dying(place, on="in a tree", at=at * 5))
    assert died.code == -9
    assert place.run(*JOB.arguments(place), "--resume").code == 0
    assert_complete(place, JOB)
    assert left(place) == []


def test_results_on_stdout_leave_nothing_there(place: Place) -> None:
    place.write("words", b"b\na\nb\n")
    done = place.run("run", "-q", *TMP, "-p", "1", "-m", "cat", "-r", "uniq -c", "words")
    assert done.stdout == b"      1 a\n      2 b\n", done.stderr
    assert left(place) == []


def test_a_run_that_was_killed_and_had_its_results_on_stdout_leaves_nothing_once_another_has_run(place: Place) -> None:
    place.write("words", b"b\na\nb\n")
    arguments = ("run", "-q", *TMP, "-p", "1", "-m", "cat", "-r", "uniq -c", "words")
    assert place.run(*arguments, environment=dying(place, on="reduce-00000", at=0)).code == -9
    assert left(place) != []
    assert place.run(*arguments).code == 0
    assert left(place) == []
