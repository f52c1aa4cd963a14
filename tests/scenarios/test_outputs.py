"""Tests of the changes that a run makes in its output folder, and of the folders that it refuses."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from tests.scenarios.crashes import dying
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import WAIT, Place, unprivileged
from tests.support.waiting import until

JOB = WordCount(lines=150, words=29, partitions=2)
OLD = WordCount(lines=60, words=60, partitions=4, input="old words")


def test_a_finished_result_is_refused_and_stays(place: Place) -> None:
    assert place.run(*OLD.arguments(place)).code == 0
    before = place.attempts()

    done = place.run(*JOB.arguments(place))

    assert done.code == 2
    assert f"the output {place.output} holds a finished result: --overwrite replaces it" in done.stderr
    assert place.attempts() == before
    assert_complete(place, OLD)


def test_an_old_result_stays_until_the_new_one_is_complete(place: Place) -> None:
    assert place.run(*OLD.arguments(place)).code == 0
    job = replace(JOB, before_reduce=WAIT)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place), "--overwrite")
        until(lambda: len(place.attempts("reduce")) == 4 + 2, "the reduces of the new job")
        assert place.parts() == OLD.parts()
        assert {part["name"] for part in place.success()["parts"]} == set(OLD.parts())
        open_gate()
        assert run.wait().code == 0
    assert_complete(place, job)


def test_an_unfinished_job_is_refused_without_a_flag_that_says_what_to_do_with_it(place: Place) -> None:
    place.run(*OLD.arguments(place), environment=dying(place, on="out/part-", at=2))
    assert len(place.parts()) == 2

    done = place.run(*JOB.arguments(place))
    assert done.code == 2
    assert "holds an unfinished job: --resume continues it, --overwrite starts again" in done.stderr

    assert place.run(*JOB.arguments(place), "--overwrite").code == 0
    assert_complete(place, JOB)


def test_what_others_keep_beside_the_state_of_jobs_stays(place: Place) -> None:
    """Nothing is removed for where it stands: only what has the name of a job, which no two have."""
    theirs = place.output / "_kubemr" / "notes"
    theirs.mkdir(parents=True)
    (theirs / "board.sqlite").write_text("mine")
    assert place.run(*OLD.arguments(place)).code == 0
    assert place.run("clean", str(place.output)).code == 3, "there is nothing to clean"
    place.run(*JOB.arguments(place), "--overwrite", environment=dying(place, on="out/part-", at=2))
    assert place.run("clean", str(place.output)).code == 0
    assert [path.name for path in (place.output / "_kubemr").iterdir()] == ["notes"]
    assert (theirs / "board.sqlite").read_text() == "mine"


def test_what_others_keep_in_the_state_home_stays(place: Place) -> None:
    theirs = place.state / "notes"
    theirs.mkdir(parents=True)
    (theirs / "a").write_text("mine")
    arguments = OLD.arguments(place)
    at = arguments.index("-o")
    assert place.run(*arguments[:at], *arguments[at + 2 :]).code == 0
    assert [path.name for path in theirs.iterdir()] == ["a"]


@pytest.mark.parametrize("flags", [[], ["--overwrite"], ["--resume"]])
def test_a_folder_with_files_of_others_is_refused(place: Place, flags: list[str]) -> None:
    place.output.mkdir()
    (place.output / "diary").write_text("mine")
    (place.output / "part-00000").write_text("mine too")

    done = place.run(*JOB.arguments(place), *flags)

    assert done.code == 2
    assert "holds files that kubemr-shell did not write (diary, part-00000): choose another folder" in done.stderr
    assert {path.name for path in place.output.iterdir()} == {"diary", "part-00000"}


def test_a_file_that_appears_where_a_part_belongs_is_not_lost(place: Place) -> None:
    job = replace(JOB, before_reduce=WAIT)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("reduce"), "a reduce task")
        (place.output / "part-00001").write_text("mine")
        open_gate()
        done = run.wait()
    assert done.code == 1
    assert f"{place.output}/part-00001: something that this job did not write stands" in done.stderr
    assert (place.output / "part-00001").read_text() == "mine"

    (place.output / "part-00001").unlink()
    assert place.run(*job.arguments(place), "--resume").code == 0
    assert_complete(place, job)


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_a_file_that_is_called_like_a_part_is_not_taken_for_one(place: Place, flag: str) -> None:
    """The job that was killed had published nothing yet."""
    place.run(*JOB.arguments(place), environment=dying(place, on="reduce-00000", at=0))
    (place.output / "part-00001").write_text("mine")

    done = place.run(*JOB.arguments(place), flag)

    assert done.code == 2
    assert "holds files that kubemr-shell did not write (part-00001)" in done.stderr
    assert (place.output / "part-00001").read_text() == "mine"


@pytest.mark.parametrize("output", ["texts", "texts/deeper/out", "link/out", "texts/../texts/out"])
def test_an_output_at_or_under_an_input_is_refused(place: Place, output: str) -> None:
    (place.folder / "texts").mkdir()
    place.write("texts/a", "a\n")
    (place.folder / "link").symlink_to("texts")

    done = place.run("run", "-m", "cat", "-o", output, "texts")

    assert done.code == 2
    assert "is at or under the input texts: choose a folder outside it" in done.stderr
    assert [path.name for path in (place.folder / "texts").iterdir()] == ["a"]


def test_an_output_that_is_a_file_is_refused(place: Place) -> None:
    place.write("out", "mine")
    for output in ("out", "out/deeper"):
        done = place.run("run", "-m", "cat", "-o", output, "/dev/null")
        assert done.code == 2
        assert "is a file: give a folder with -o" in done.stderr
    assert place.output.read_text() == "mine"


def test_an_output_that_may_not_be_written_is_named(place: Place) -> None:
    place.output.mkdir(mode=0o555)

    run = place.start("run", "-m", "cat", "-o", "out/deeper", "/dev/null", under=unprivileged())

    done = run.wait()
    assert done.code == 7
    assert f"kubemr-shell: {place.output}/deeper/_kubemr: Permission denied" in done.stderr


def test_of_two_runs_that_start_at_once_on_one_output_one_does_the_job(place: Place) -> None:
    job = replace(JOB, before_map=WAIT)
    with place.closed_gate() as open_gate:
        runs = [place.start(*job.arguments(place)) for _ in range(2)]
        until(lambda: any(run.is_over() for run in runs), "the end of the run that was too late")
        until(lambda: place.attempts("map"), "the work of the other")
        open_gate()
        first, second = sorted((run.wait() for run in runs), key=lambda done: done.code)
    assert (first.code, second.code) == (0, 2)
    assert "another run is at work in" in second.stderr
    assert_complete(place, job)


@pytest.mark.slow
def test_runs_that_replace_each_other_all_the_time_leave_one_result(place: Place) -> None:
    for _ in range(10):
        runs = [place.start(*JOB.arguments(place), "--overwrite") for _ in range(4)]
        codes = {run.wait().code for run in runs}
        assert 0 in codes
        assert codes <= {0, 2}
        assert_complete(place, JOB)


def test_folders_above_the_output_are_made(place: Place) -> None:
    place.write("in", "a\n")
    assert place.run("run", "-m", "cat", "-o", "far/away/out", "in").code == 0
    assert "_SUCCESS" in os.listdir(place.folder / "far" / "away" / "out")


def test_a_failed_job_shows_no_part_and_clean_removes_what_it_left(place: Place) -> None:
    job = replace(JOB, before_reduce='[ "$KUBEMR_TASK" = 0 ] || exit 7; ')
    assert place.run(*job.arguments(place)).code == 4
    assert os.listdir(place.output) == ["_kubemr"]

    assert place.run("clean", "out").code == 0
    assert os.listdir(place.output) == []
    assert place.run("clean", "out").code == 3


def test_the_journal_has_exit_status_and_the_end_of_stderr_of_each_task(place: Place) -> None:
    place.write("in", "a\nb\n")
    job = ("run", "--keep-tmp", "-o", "out", "--ok-exit-code", "0", "--ok-exit-code", "1", "-p", "1")

    done = place.run(*job, "-m", "cat; echo of map >&2; exit 1", "-r", "cat; echo of reduce >&2", "in")

    assert done.code == 0, done.stderr
    journal = place.job_folder() / "journal"
    batches = {path.name.partition("-")[0]: path.read_bytes().splitlines()[0] for path in journal.glob("*.json")}
    entries = {phase: entry for phase, batch in batches.items() for entry in json.loads(batch)}
    told = {phase: (entry["exit_status"], entry["stderr"]) for phase, entry in entries.items()}
    assert told == {"map": (1, "of map\n"), "reduce": (0, "of reduce\n"), "publish": (None, "")}
