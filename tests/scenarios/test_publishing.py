"""Tests of obstacles to publishing: a run ends with an error that names one, and continues with ``--resume``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scenarios.crashes import dying, steps
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import WAIT, Done, Place, unprivileged
from tests.support.waiting import until

JOB = WordCount(lines=150, words=29, partitions=2)
OLD = WordCount(lines=60, words=60, partitions=4, input="old words")
RUNS = pytest.mark.parametrize(
    "flags", [("--slots", "1"), ("--workers", "2", "--slots", "1")], ids=["one process", "two workers"]
)


def run_and_disturb(place: Place, job: WordCount, disturb: Callable[[], object], *flags: str) -> Done:
    """``disturb`` is called while the reduces run."""
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place), *flags, under=unprivileged())
        until(lambda: place.attempts("reduce"), "a reduce task")
        disturb()
        open_gate()
        return run.wait()


@RUNS
def test_a_name_appears_only_when_what_it_stands_for_survives_a_power_cut(place: Place, flags: tuple[str, ...]) -> None:
    assert place.run(*OLD.arguments(place)).code == 0
    job = replace(JOB, flags=flags)
    never = dying(place, at=-1, who="kubemr")
    assert place.run(*job.arguments(place), "--overwrite", environment=never).code == 0

    order = steps(place)
    out = place.output
    renamed = {name: order.index(f"os.rename {out}/{name}") for name in (*job.parts(), "_SUCCESS")}
    folder_synced = [at for at, step in enumerate(order) if step == f"os.fsync {out}"]
    for number in range(JOB.partitions):
        staged = next(at for at, step in enumerate(order) if "os.fsync" in step and step.endswith(f"/stage/{number}.0"))
        assert staged < renamed[f"part-{number:05d}"]
    old_removed = order.index(f"os.remove {out}/_SUCCESS")
    parts = [renamed[name] for name in job.parts()]
    assert any(old_removed < at < min(parts) for at in folder_synced)
    success_synced = next(at for at, step in enumerate(order) if "os.fsync" in step and "/stage/_SUCCESS" in step)
    assert success_synced < renamed["_SUCCESS"] < folder_synced[-1]
    assert any(max(parts) < at < renamed["_SUCCESS"] for at in folder_synced)


@RUNS
@pytest.mark.parametrize("name", ["part-00001", "_SUCCESS"])
@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["folder", "file"])
def test_what_stands_where_something_of_ours_belongs_is_named_and_stays(
    place: Place, flags: tuple[str, ...], name: str, make: Callable[[Path], None]
) -> None:
    job = replace(JOB, before_reduce=WAIT, flags=flags)
    target = place.output / name

    done = run_and_disturb(place, job, lambda: make(target))

    assert done.code == 1
    assert f"{target}: " in done.stderr
    assert target.exists()
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert place.run(*job.arguments(place), "--resume").code == 0
    assert_complete(place, job)


@RUNS
@pytest.mark.parametrize("name", ["part-00001", "_SUCCESS"])
def test_a_folder_where_an_old_result_is_replaced_is_named(place: Place, flags: tuple[str, ...], name: str) -> None:
    assert place.run(*OLD.arguments(place)).code == 0
    (place.folder / "attempts").unlink()
    job = replace(JOB, before_reduce=WAIT, flags=flags)
    target = place.output / name

    def replaced_by_a_folder() -> None:
        target.unlink()
        (target / "of somebody").mkdir(parents=True)

    done = run_and_disturb(place, job, replaced_by_a_folder, "--overwrite")

    assert done.code == 1
    assert f"{target}: " in done.stderr
    shutil.rmtree(target)
    assert place.run(*job.arguments(place), "--resume").code == 0
    assert_complete(place, job)


@RUNS
def test_an_output_that_may_not_be_written_any_more_is_named(place: Place, flags: tuple[str, ...]) -> None:
    job = replace(JOB, before_reduce=WAIT, flags=flags)

    done = run_and_disturb(place, job, lambda: place.output.chmod(0o555))

    assert done.code == 7
    assert f"{place.output}/part-0000" in done.stderr
    assert "Permission denied" in done.stderr
    place.output.chmod(0o755)
    assert place.run(*job.arguments(place), "--resume").code == 0
    assert_complete(place, job)


def test_results_for_stdout_whose_folder_is_removed_end_the_run(place: Place) -> None:
    place.write("in", "a\n")
    with place.closed_gate() as open_gate:
        run = place.start("run", "-m", "cat", "-p", "1", "-r", f"echo >> $ATTEMPTS; {WAIT}cat", "in")
        until((place.folder / "attempts").exists, "the reduce task")
        [results] = place.state.glob("*/results")
        results.rmdir()
        open_gate()
        done = run.wait()
    assert (done.code, done.stdout) == (1, b"")
    assert f"{results}/part-00000: the folder for it is gone" in done.stderr


@RUNS
def test_a_command_that_fails_when_a_lost_part_is_made_again_ends_the_run(place: Place, flags: tuple[str, ...]) -> None:
    """The job cannot fail any more: it waits for the cause to be mended."""
    job = replace(JOB, before_reduce='[ ! -e "$BROKEN" ] || { echo broke >&2; exit 9; }; ')
    broken = {"BROKEN": str(place.folder / "broken")}
    place.run(*job.arguments(place), environment={**broken, **dying(place, on="out/part-", at=1)})
    [staged] = (place.job_folder() / "stage").iterdir()
    staged.unlink()
    place.write("broken", "")
    attempts = len(place.attempts("reduce"))

    done = place.run(*job.arguments(place), *flags, "--resume", environment=broken)

    assert done.code == 4
    assert "exit status 9" in done.stderr
    assert "    | broke\n" in done.stderr
    assert done.stderr.endswith("the job already publishes results: correct the cause, then continue with --resume\n")
    assert 4 <= len(place.attempts("reduce")) - attempts <= 8
    (place.folder / "broken").unlink()
    assert place.run(*job.arguments(place), "--resume", environment=broken).code == 0
    assert_complete(place, job)
