"""Committed files of a job that get lost or damaged while it runs: exactly the tasks that wrote them run again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kubemr_shell.board.timing import Timing
from tests.scenarios.crashes import dying
from tests.scenarios.jobs import WordCount, assert_complete, winner_of
from tests.support.runs import WAIT, Place
from tests.support.waiting import until

PARTITIONS = 6
JOB = WordCount(lines=400, partitions=PARTITIONS, before_reduce=WAIT)
RUNS = pytest.mark.parametrize(
    "flags", [("--slots", "1"), ("--workers", "2", "--slots", "1")], ids=["one process", "two workers"]
)
INDEX_AND_FOOTER_BYTES = 40 * PARTITIONS + 32


def flip_a_byte(path: Path) -> None:
    """The last one of the last partition, which no reducer has read yet."""
    data = bytearray(path.read_bytes())
    data[-INDEX_AND_FOOTER_BYTES - 1] ^= 1
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: -INDEX_AND_FOOTER_BYTES - 1])


@RUNS
@pytest.mark.parametrize("harm", [flip_a_byte, cut_short, Path.unlink])
def test_a_harmed_map_output_is_made_again_and_no_other(
    place: Place, flags: tuple[str, ...], harm: Callable[[Path], None]
) -> None:
    """The first reducers wait while it happens; no attempt of the others counts as failed."""
    job = replace(JOB, flags=(*flags, "--max-attempts", "1"))
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("reduce"), "a reduce task")
        before = place.attempts("map")
        outputs = place.job_folder() / "map"
        harmed, again = winner_of(3, [path.name for path in outputs.iterdir()])
        harm(outputs / harmed)
        open_gate()
        done = run.wait()
    assert done.code == 0, done.stderr
    assert_complete(place, job)
    assert place.attempts("map")[len(before) :] == [f"map/{again}"]


def test_a_map_output_harmed_between_two_runs_is_made_again(place: Place) -> None:
    job = replace(JOB, before_reduce="")
    place.run(*job.arguments(place), environment=dying(place, on="reduce-00000", at=0))
    flip_a_byte(place.job_folder() / "map" / "3.0")
    (place.job_folder() / "map" / "5.0").unlink()

    assert place.run(*job.arguments(place), "--resume").code == 0
    assert_complete(place, job)
    again = [attempt for attempt in place.attempts("map") if not attempt.endswith(".0")]
    assert sorted(attempt.partition(".")[0] for attempt in again) == ["map/3", "map/5"]


def lose_the_first_byte(path: Path) -> None:
    """Keep the size."""
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [Path.unlink, cut_short, lose_the_first_byte])
def test_a_staged_part_that_is_lost_before_it_is_published_is_made_again(
    place: Place, harm: Callable[[Path], None]
) -> None:
    """The run dies between the reduces and the publishing, so that there is time to harm it."""
    job = replace(JOB, before_reduce="")
    place.run(*job.arguments(place), environment=dying(place, on="out/part-", at=2))
    stage = place.job_folder() / "stage"
    assert sorted(path.name for path in stage.iterdir()) == ["2.0", "3.0", "4.0", "5.0"]
    harm(stage / "4.0")

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 0, done.stderr
    assert_complete(place, job)
    assert len(place.attempts("map")) == job.map_tasks
    assert [attempt for attempt in place.attempts("reduce") if not attempt.endswith(".0")] == ["reduce/4.1"]


def test_an_old_part_of_equal_size_is_never_taken_for_a_new_one_that_is_lost(place: Place) -> None:
    job = replace(JOB, before_reduce="")
    assert place.run(*job.arguments(place)).code == 0
    arguments = [*job.arguments(place), "-r", "rev"]  # lines of equal length
    assert place.run(*arguments, "-o", str(place.folder / "expected")).code == 0
    expected = {path.name: path.read_bytes() for path in (place.folder / "expected").glob("part-*")}
    place.run(*arguments, "--overwrite", environment=dying(place, on="out/part-", at=2))
    (place.job_folder() / "stage" / "4.0").unlink()

    done = place.run(*arguments, "--resume")

    assert done.code == 0, done.stderr
    assert place.parts() == expected


def test_a_block_of_the_plan_that_is_lost_is_found(place: Place) -> None:
    """Without a checksum the lines after it would stand for other tasks, and some of the input would be read twice."""
    job = replace(JOB, before_reduce="")
    place.run(*job.arguments(place), environment=dying(place, on="map/3.0", at=0))
    [plan] = (place.job_folder() / "plan").iterdir()
    lines = plan.read_bytes().split(b"\n")
    plan.write_bytes(b"\n".join([lines[0] + bytes(len(lines[1]) + 1), *lines[2:]]))

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 1
    assert f"{plan}: byte 0: it is damaged" in done.stderr
    assert "start again with --overwrite" in done.stderr


def test_the_tasks_of_a_damaged_journal_run_again(place: Place) -> None:
    job = replace(JOB, before_reduce="")
    place.run(*job.arguments(place), environment=dying(place, on="manifest", at=0))
    journal = next((place.job_folder() / "journal").glob("map-*.json"))
    journal.write_bytes(bytes(journal.stat().st_size))

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 0, done.stderr
    assert_complete(place, job)
    assert [attempt for attempt in place.attempts("map") if not attempt.endswith(".0")]


@pytest.mark.parametrize("name", ["journal", "plan"])
def test_a_journal_or_a_plan_that_is_lost_ends_the_run_with_its_name(place: Place, name: str) -> None:
    job = replace(JOB, before_reduce="")
    place.run(*job.arguments(place), environment=dying(place, on="manifest", at=0))
    shutil.rmtree(place.job_folder() / name)

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 1
    assert f"/{name}" in done.stderr
    assert "start again with --overwrite" in done.stderr
    assert place.run(*job.arguments(place), "--overwrite").code == 0
    assert_complete(place, job)


@pytest.mark.parametrize("name", ["plan/*", "journal/map-*.manifest", "run.json"])
@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"xx"), Path.unlink], ids=["damaged", "gone"])
def test_what_a_job_has_written_of_itself_is_named_when_it_is_gone_or_damaged(
    place: Place, name: str, harm: Callable[[Path], None]
) -> None:
    job = replace(JOB, before_reduce="")
    assert place.run(*job.arguments(place), "--keep-tmp").code == 0
    for path in place.job_folder().glob(name):
        harm(path)

    done = place.run(*job.arguments(place), "-r", "uniq -d", "--keep-tmp", "--resume")

    assert done.code == 1
    assert name.partition("/")[0] in done.stderr
    assert done.stderr.rstrip().endswith("start again with --overwrite")
    assert place.parts() == job.parts()
    (place.folder / "attempts").unlink()
    assert place.run(*job.arguments(place), "--overwrite").code == 0
    assert_complete(place, job)


@pytest.mark.parametrize("name", ["map", "stage", "scratch", "journal"])
def test_a_run_whose_temporaries_are_removed_says_so(place: Place, name: str) -> None:
    job = replace(JOB, before_map=WAIT, before_reduce="")
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("map"), "a map task")
        shutil.rmtree(place.job_folder() / name)
        open_gate()
        done = run.wait()
    assert done.code == 1, done.stderr
    assert f"/{name}" in done.stderr
    assert place.parts() == {}
    if name == "scratch":  # nothing that is done was in it
        assert done.stderr.rstrip().endswith("then continue with --resume")
        assert place.run(*job.arguments(place), "--resume").code == 0
        assert_complete(place, job)


@RUNS
def test_a_run_whose_output_is_removed_ends_soon_and_stops_its_commands(place: Place, flags: tuple[str, ...]) -> None:
    job = replace(JOB, before_map=WAIT, before_reduce="", flags=flags)
    with place.closed_gate():
        run = place.start(*job.arguments(place))
        until(lambda: len(place.attempts("map")) == (2 if "--workers" in flags else 1), "all workers")
        shutil.rmtree(place.output)
        done = run.wait(Timing.local().give_up_seconds)
    assert done.code == 3
    assert "the board was removed; its job is over" in done.stderr
    assert not place.output.exists()
