"""Tests of ``--resume``: the work that it keeps, and the changes that it refuses as another job."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tests.scenarios.crashes import dying
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import NOTE, WAIT, Place
from tests.support.waiting import until

JOB = WordCount(lines=200, split_bytes=400)


def die_before_the_reduces(place: Place, job: WordCount = JOB) -> None:
    place.run(*job.arguments(place), environment=dying(place, on="reduce-00000", at=0))
    until(lambda: not place.processes(), "the end of the commands that the run left behind")  # they note attempts
    assert len(place.attempts("map")) == job.map_tasks


def test_with_nothing_to_resume_it_is_a_fresh_start(place: Place) -> None:
    done = place.run(*JOB.arguments(place), "--resume")
    assert done.code == 0, done.stderr
    assert_complete(place, JOB)


def test_an_output_folder_is_needed(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-m", "cat", "in", "--resume")
    assert done.code == 2
    assert "--resume needs an output" in done.stderr


def test_resume_and_overwrite_contradict_each_other(place: Place) -> None:
    done = place.run(*JOB.arguments(place), "--resume", "--overwrite")
    assert done.code == 2
    assert "give one of them" in done.stderr


def test_a_finished_job_is_done_and_nothing_runs(place: Place) -> None:
    assert place.run(*JOB.arguments(place)).code == 0
    before = place.attempts()

    done = place.run(*JOB.arguments(place), "--resume")

    assert done.code == 0
    assert done.stderr == f"the result in {place.output} is finished: there is nothing to resume\n"
    assert place.attempts() == before
    assert_complete(place, JOB)


def test_a_finished_job_that_was_killed_before_it_cleaned_up_is_cleaned_up(place: Place) -> None:
    place.run(*JOB.arguments(place), environment=dying(place, on="os.remove", at=0))
    assert (place.output / "_SUCCESS").exists()
    assert (place.output / "_kubemr").exists()
    before = place.attempts()

    done = place.run(*JOB.arguments(place), "--resume")

    assert done.code == 0, done.stderr
    assert place.attempts() == before
    assert_complete(place, JOB)


@pytest.mark.parametrize("flags", [(), ("--keep-tmp",)], ids=["result alone", "with temporaries"])
def test_a_result_that_is_not_all_there_is_not_finished(place: Place, flags: tuple[str, ...]) -> None:
    job = replace(JOB, flags=flags)
    assert place.run(*job.arguments(place)).code == 0
    (place.output / "part-00001").unlink()

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 2
    assert f"the finished result in {place.output} has no part-00001 any more" in done.stderr
    (place.folder / "attempts").unlink()
    assert place.run(*JOB.arguments(place), "--overwrite").code == 0
    assert_complete(place, JOB)


def test_a_finished_job_whose_result_is_gone_says_so(place: Place) -> None:
    job = replace(JOB, flags=("--keep-tmp",))
    assert place.run(*job.arguments(place)).code == 0
    (place.output / "_SUCCESS").unlink()
    done = place.run(*job.arguments(place), "--resume")
    assert done.code == 2
    assert f"the finished result in {place.output} has no _SUCCESS any more" in done.stderr


@pytest.mark.parametrize("changed", [[], ["-r", "uniq -d"]], ids=["same job", "other reduces"])
def test_a_script_that_has_changed_since_a_job_was_finished_is_named(place: Place, changed: list[str]) -> None:
    """The name of the command is the same, but what it did before must not be taken for what it does now."""
    script = place.write("mapper", "#!/bin/sh\ncat\n")
    script.chmod(0o755)
    place.write("in", "b\na\nb\n")
    arguments = ("run", "-q", "-o", "out", "--keep-tmp", "-m", "./mapper", "-r", "uniq -c", "-p", "1", "in")
    assert place.run(*arguments).code == 0
    script.write_text("#!/bin/sh\ntr a-z A-Z\n")

    done = place.run(*arguments, *changed, "--resume")

    assert done.code == 3
    assert f"{script}: changed since the job was planned: start again with --overwrite" in done.stderr
    assert place.parts() == {"part-00000": b"      1 a\n      2 b\n"}
    assert place.run(*arguments, "--overwrite").code == 0
    assert place.parts() == {"part-00000": b"      1 A\n      2 B\n"}
    assert place.run(*arguments, "--resume").code == 0


def test_a_finished_job_keeps_its_temporaries_when_it_was_told_to(place: Place) -> None:
    job = replace(JOB, flags=("--keep-tmp",))
    assert place.run(*job.arguments(place)).code == 0
    state = {path.name for path in place.job_folder().iterdir()}
    assert {"plan", "map", "journal", "board.sqlite"} <= state

    assert place.run(*job.arguments(place), "--resume").code == 0
    assert {path.name for path in place.job_folder().iterdir()} == state

    assert place.run(*JOB.arguments(place), "--resume").code == 0
    assert_complete(place, JOB)


def test_a_run_that_is_alive_is_not_resumed(place: Place) -> None:
    job = replace(JOB, before_map=WAIT)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: place.attempts("map"), "a map task")
        for flags in ((), ("--resume",), ("--overwrite",)):
            done = place.run(*job.arguments(place), *flags)
            assert done.code == 2
            assert f"another run is at work in {place.output}" in done.stderr
        assert place.run("clean", "out").code == 2
        open_gate()
        assert run.wait().code == 0
    assert_complete(place, job)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (["-m", "tr a-z A-Z"], "mapCommand"),
        (["-c", "uniq"], "combineCommand"),
        (["-p", "6"], "partitions"),
        (["--split-bytes", "500"], "split"),
        (["--separator", ","], "key"),
        (["--key-fields", "2"], "key"),
        (["--env", "A=b"], "env"),
        (["--file", "words"], "files"),
        (["--decompress", "none"], "decompress"),
        (["words"], "inputs"),
        (["--inputs-from", "words"], "inputsFrom"),
    ],
)
@pytest.mark.slow
def test_another_job_is_refused_and_the_field_is_named(place: Place, changed: list[str], field: str) -> None:
    refuses(place, changed, field)


def test_several_changes_are_named_together(place: Place) -> None:
    refuses(place, ["-m", "tr a-z A-Z", "-p", "7", "words"], "inputs, mapCommand, partitions")


def refuses(place: Place, changed: list[str], fields: str) -> None:
    die_before_the_reduces(place)
    before = place.attempts()

    done = place.run(*JOB.arguments(place), *changed, "--resume")

    assert done.code == 2
    assert f"--resume cannot change {fields} of the job in the output" in done.stderr
    assert place.attempts() == before
    assert place.run(*JOB.arguments(place), "--resume").code == 0
    assert_complete(place, JOB)


@pytest.mark.parametrize("changed", [["-r", f"{NOTE}uniq -c | tr a-z A-Z"], ["--compress-output", "gzip"]])
def test_with_other_reduces_the_maps_are_kept(place: Place, changed: list[str]) -> None:
    """The first run dies when some or all of its reduces are committed, and before their shard is closed.

    A slow machine commits all of them at once. Then the second step is the manifest of the shard.
    """
    place.run(*JOB.arguments(place), environment=dying(place, on="reduce-00000", at=1))
    maps = place.attempts("map")

    done = place.run(*JOB.arguments(place), *changed, "--resume")

    assert done.code == 0, done.stderr
    assert place.attempts("map") == maps
    if changed[0] == "-r":
        assert place.parts() == {name: part.upper() for name, part in JOB.parts().items()}
    else:
        assert {name.removesuffix(".gz") for name in place.parts()} == set(JOB.parts())
        assert place.run("results", "out").code == 0


@pytest.mark.parametrize("tmp", [[], ["--tmp", "elsewhere"]], ids=["beside the output", "elsewhere"])
@pytest.mark.parametrize("changed", [["-r", f"{NOTE}uniq -c | tr a-z A-Z"], ["--compress-output", "gzip"]])
def test_the_maps_of_a_finished_job_that_kept_its_temporaries_are_used_for_other_reduces(
    place: Place, changed: list[str], tmp: list[str]
) -> None:
    (place.folder / "elsewhere").mkdir()
    assert place.run(*JOB.arguments(place), "--keep-tmp", *tmp).code == 0
    maps, first = place.attempts("map"), place.success()

    for keep in (["--keep-tmp"], []):
        before = len(place.attempts("reduce"))
        done = place.run(*JOB.arguments(place), *changed, *keep, "--resume")
        assert done.code == 0, done.stderr
        assert place.attempts("map") == maps
        assert len(place.attempts("reduce")) == before + (JOB.partitions if keep else 0)
        second = place.success()
        assert second["uid"] != first["uid"]
        assert second["totals"]["map"] == first["totals"]["map"]
        assert second["totals"]["reduce"]["recordsIn"] == first["totals"]["reduce"]["recordsIn"]
        assert {part["name"] for part in second["parts"]} == set(place.parts())

    if changed[0] == "-r":
        assert place.parts() == {name: part.upper() for name, part in JOB.parts().items()}
    else:
        assert {name.removesuffix(".gz") for name in place.parts()} == set(JOB.parts())
    assert {path.name for path in place.output.iterdir()} == {*place.parts(), "_SUCCESS"}
    assert list((place.folder / "elsewhere").iterdir()) == []


def test_the_old_result_stays_until_other_reduces_are_done(place: Place) -> None:
    assert place.run(*JOB.arguments(place), "--keep-tmp").code == 0
    first = place.success()
    other = ["-r", f"{NOTE}{WAIT}uniq -c | tr a-z A-Z", "--keep-tmp", "--resume"]
    with place.closed_gate():
        run = place.start(*JOB.arguments(place), *other)
        until(lambda: len(place.attempts("reduce")) > JOB.partitions, "the other reduces")
        assert place.success() == first
        assert place.parts() == JOB.parts()
        run.kill()
    maps = place.attempts("map")

    done = place.run(*JOB.arguments(place), *other)

    assert done.code == 0, done.stderr
    assert place.attempts("map") == maps
    assert place.parts() == {name: part.upper() for name, part in JOB.parts().items()}


@pytest.mark.slow
@pytest.mark.parametrize("at", range(7, 34, 2))
def test_a_run_that_dies_while_it_takes_over_the_maps_can_be_repeated(place: Place, at: int) -> None:
    assert place.run(*JOB.arguments(place), "--keep-tmp").code == 0
    maps = place.attempts("map")
    other = ["-r", f"{NOTE}uniq -c | tr a-z A-Z", "--keep-tmp", "--resume"]
    place.run(*JOB.arguments(place), *other, environment=dying(place, at=at))

    done = place.run(*JOB.arguments(place), *other)

    assert done.code == 0, done.stderr
    assert place.attempts("map") == maps
    assert place.parts() == {name: part.upper() for name, part in JOB.parts().items()}


def test_a_map_output_that_is_missing_when_its_maps_are_used_again_is_made_again(place: Place) -> None:
    assert place.run(*JOB.arguments(place), "--keep-tmp").code == 0
    (place.job_folder() / "map" / "1.0").unlink()

    done = place.run(*JOB.arguments(place), "-r", f"{NOTE}uniq -c | tr a-z A-Z", "--resume")

    assert done.code == 0, done.stderr
    assert sorted(place.attempts("map")) == sorted([*(f"map/{task}.0" for task in range(JOB.map_tasks)), "map/1.1"])
    assert place.parts() == {name: part.upper() for name, part in JOB.parts().items()}


def test_results_that_are_being_published_keep_their_reduce_command(place: Place) -> None:
    place.run(*JOB.arguments(place), environment=dying(place, on="out/part-", at=2))

    done = place.run(*JOB.arguments(place), "-r", "uniq", "--resume")

    assert done.code == 2
    assert "cannot change the reduceCommand of a job whose results are published" in done.stderr
    assert place.run(*JOB.arguments(place), "--resume").code == 0
    assert_complete(place, JOB)


def test_other_limits_and_slots_change_nothing_that_was_done(place: Place) -> None:
    """``partitions`` was left to the first run's slots, and stays."""
    command = ["run", "-o", "out", "-m", f"{NOTE}cat", "-r", f"{NOTE}uniq -c; exit 3", "words"]
    JOB.arguments(place)
    assert place.run(*command, "--slots", "3", "--max-attempts", "1").code == 4
    maps = place.attempts("map")

    done = place.run(*command, "--slots", "1", "--ok-exit-code", "3", "--resume")

    assert done.code == 0, done.stderr
    assert place.attempts("map") == maps
    assert len(place.parts()) == 3


def test_a_killed_run_takes_the_limits_that_it_is_resumed_with(place: Place) -> None:
    place.run(*JOB.arguments(place), "--ok-exit-code", "0", environment=dying(place, on="reduce-00000", at=0))

    done = place.run(*JOB.arguments(place), "--ok-exit-code", "1", "--max-attempts", "1", "--resume")

    assert done.code == 4
    assert "exit status 0" in done.stderr


def test_an_input_that_has_changed_is_named(place: Place) -> None:
    die_before_the_reduces(place)
    words = place.folder / "words"
    before, times = words.read_bytes(), words.stat()
    words.write_bytes(before + b"one more\n")

    done = place.run(*JOB.arguments(place), "--resume")
    assert done.code == 3
    assert f"{words}: changed since the job was planned" in done.stderr
    arguments = JOB.arguments(place)
    words.unlink()
    done = place.run(*arguments, "--resume")
    assert done.code == 3
    assert f"{words}: cannot be read any more" in done.stderr

    words.write_bytes(before)
    os.utime(words, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert place.run(*JOB.arguments(place), "--resume").code == 0
    assert_complete(place, JOB)


def test_what_was_on_stdin_need_not_be_there_again(place: Place) -> None:
    JOB.arguments(place)
    job = replace(JOB, input="-")
    with (place.folder / "words").open("rb") as words:
        place.run(*job.arguments(place), stdin=words, environment=dying(place, on="reduce-00000", at=0))

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 0, done.stderr
    assert_complete(place, job)
