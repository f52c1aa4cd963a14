"""A command that fails: how often it is tried, what the one screen says, and that its hints really work."""

from __future__ import annotations

import os
import shlex
import signal

import pytest

from tests.support.runs import NOTE, WAIT, Done, Place
from tests.support.waiting import until

LINES = "".join(f"{number:09d}\n" for number in range(1000))
TWO_TASKS = ("--split-bytes", "5000")


def hint(done: Done, words: str) -> list[str]:
    """The command line that the screen gives after these words, for this Python's kubemr-shell."""
    [line] = [line for line in done.stderr.splitlines() if words in line]
    program, *arguments = shlex.split(line.partition(words)[2])
    assert program == "kubemr-shell"
    return arguments


@pytest.mark.parametrize(
    ("end", "says", "status"),
    [
        ("exit 1", "exit status 1: a general failure; grep-like programs exit 1 when nothing matched", 1),
        ("./data", "exit status 126: found, but not executable", 126),
        ("no-such-program", "exit status 127: a program in the command was not found", 127),
        ("sh -c 'kill -9 $$'", "exit status 137: SIGKILL inside the command", 137),
        ("exit 200", "exit status 200\n", 200),
        ("kill -9 $$", "killed by SIGKILL: killed from outside, most often for using too much memory", 137),
        ("kill -SEGV $$", "killed by SIGSEGV: a bug in the program", 139),
        ("kill -TERM $$", "killed by SIGTERM: asked to stop from outside", 143),
    ],
)
def test_the_screen_says_what_failed_and_how_to_run_it_again(place: Place, end: str, says: str, status: int) -> None:
    place.write("in", LINES)
    place.write("data", "no program")
    command = f'{NOTE}read line; echo "$line was last" >&2; [ "$line" -lt 500 ] || {end}'

    done = place.run("run", "-o", "out", "--file", "data", "-m", command, *TWO_TASKS, "in")

    assert done.code == 4
    assert done.stdout == b""
    assert place.attempts("map/1") == ["map/1.0", "map/1.1", "map/1.2", "map/1.3"]
    first, *lines = done.stderr.splitlines()
    assert " failed: map/1, attempt 3: " in first
    assert says in f"{first}\n"
    assert f"  command: {command}" in lines
    assert f"  input:   {place.folder}/in bytes 5,000 to 10,000 (5.0 kB)" in lines
    assert "    | 000000500 was last" in lines
    again = place.run(*hint(done, "run just this task again:"))
    assert again.code == status
    assert "000000500 was last\n" in again.stderr
    assert place.attempts("map/1") == ["map/1.0", "map/1.1", "map/1.2", "map/1.3", "map/1.0"]
    assert os.listdir(place.output) == ["_kubemr"]


def test_a_job_whose_input_changed_is_started_anew(place: Place) -> None:
    """The first task appends to the input of the second."""
    place.write("a", "a\n")
    changed = place.write("b", "b\n")
    done = place.run(
        "run",
        "-o",
        "out",
        "--whole-files",
        "--slots",
        "1",
        "-m",
        f"cat; [ -s {changed}.did ] || echo c | tee {changed} > {changed}.did",
        "-p",
        "1",
        "a",
        "b",
    )
    assert done.code == 4
    assert f"{changed}: changed since the job was planned" in done.stderr
    assert "--resume" not in done.stderr
    again = place.run(*hint(done, "start again:"))
    assert again.code == 0, again.stderr
    assert place.parts() == {"part-00000": b"a\nc\n"}


def test_a_failed_job_goes_on_once_the_cause_is_mended(place: Place) -> None:
    """The script beside the YAML is mended. The maps that it had done are done again: no result mixes two scripts."""
    place.write("in", LINES)
    script = place.write("mapper", f'#!/bin/sh\n{NOTE}[ "$KUBEMR_TASK" = 0 ] || exit 9; cat')
    script.chmod(0o755)
    done = place.run("run", "-o", "out", "-m", "./mapper", "-r", "wc -l", "-p", "1", "--slots", "1", *TWO_TASKS, "in")
    assert done.code == 4
    script.write_text(script.read_text().replace("exit 9", "true"))

    again = place.run(*hint(done, "continue when fixed:"))

    assert again.code == 0, again.stderr
    assert place.parts() == {"part-00000": b"1000\n"}
    assert place.attempts("map/0") == ["map/0.0", "map/0.65536"]


def test_a_failed_reduce_task_is_explained_and_can_be_run_again_alone(place: Place) -> None:
    place.write("in", "b\na\nb\n")
    done = place.run("run", "-o", "out", "-m", "cat", "-r", "uniq -c; exit 5", "-p", "1", "--max-attempts", "1", "in")

    assert done.code == 4
    assert " failed: reduce/0, attempt 0: exit status 5\n" in done.stderr
    assert "it wrote nothing to stderr" in done.stderr
    again = place.run(*hint(done, "run just this task again:"))
    assert (again.code, again.stdout) == (5, b"      1 a\n      2 b\n")


def test_a_failed_job_without_an_output_folder_can_be_looked_into(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-m", "cat; exit 6", "in")

    assert done.code == 4
    assert "continue" not in done.stderr
    again = place.run(*hint(done, "run just this task again:"))
    assert (again.code, again.stdout) == (6, b"a\n")


@pytest.mark.parametrize("flags", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_the_first_task_without_attempts_left_stops_all_others(place: Place, flags: tuple[str, ...]) -> None:
    place.write("in", LINES)
    command = f'{NOTE}[ "$KUBEMR_TASK" = 0 ] || sleep 1000; exit 3'
    limits = ("--max-attempts", "2", "--slots", "2", "--split-bytes", "2000")

    done = place.run("run", "-o", "out", "-m", command, *limits, *flags, "in")

    assert done.code == 4
    assert "map/0, attempt 1: exit status 3" in done.stderr
    assert place.attempts("map/0") == ["map/0.0", "map/0.1"]
    assert place.processes() == []


def test_a_command_that_fails_twice_and_then_works_is_no_failure(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-m", f'{NOTE}[ "$KUBEMR_ATTEMPT" = 2 ] || exit 1; cat', "in")

    assert (done.code, done.stdout) == (0, b"a\n")
    assert place.attempts() == ["map/0.0", "map/0.1", "map/0.2"]
    assert "2 attempts repeated" in done.stderr


def test_exit_codes_that_are_ok_are_no_failure(place: Place) -> None:
    place.write("in", "a\nb\n")
    grep = ("run", "-m", "grep nothing", "-r", "grep .")

    assert place.run(*grep, "in").code == 4
    done = place.run(*grep, "--ok-exit-code", "0", "--ok-exit-code", "1", "in")
    assert (done.code, done.stdout) == (0, b"")


@pytest.mark.parametrize("end", ["sleep 1000", "trap '' TERM; sleep 1000 & wait"])
def test_a_command_that_does_nothing_for_too_long_is_stopped(place: Place, end: str) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-m", f"{NOTE}{end}", "--timeout", "1", "--max-attempts", "1", "in")

    assert done.code == 4
    assert "map/0, attempt 0: the command read and wrote nothing for 1 s, although" in done.stderr
    assert place.attempts() == ["map/0.0"]
    assert place.processes() == []


def test_a_job_that_is_out_of_time_fails_and_can_go_on(place: Place) -> None:
    place.write("in", "a\n")
    job = place.write("job.yaml", JOB_WITH_DEADLINE)
    with place.closed_gate() as open_gate:
        done = place.run("run", "job.yaml")
        assert done.code == 4
        assert " failed: not done after 2 s (activeDeadlineSeconds)\n" in done.stderr
        assert place.processes() == []
        assert os.listdir(place.output) == ["_kubemr"]
        open_gate()
    job.write_text(JOB_WITH_DEADLINE.replace("Seconds: 2", "Seconds: 100"))

    again = place.run(*hint(done, "continue when fixed:"))

    assert again.code == 0, again.stderr
    assert place.parts() == {"part-00000": b"a\n"}


JOB_WITH_DEADLINE = f"""
apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {{name: late}}
spec:
  inputs: [in]
  mapCommand: '{WAIT}cat'
  output: out
  partitions: 1
  activeDeadlineSeconds: 2
"""


def test_a_command_that_cannot_be_started_is_not_tried_again(place: Place) -> None:
    place.write("in", "a\n")
    place.write("job.yaml", JOB_WITH_DEADLINE.replace(f"'{WAIT}cat'", "[no-such-program, -x]"))

    done = place.run("run", "job.yaml")

    assert done.code == 4
    assert "map/0, attempt 0: the program 'no-such-program' was not found on PATH" in done.stderr
    assert "  command: no-such-program -x\n" in done.stderr
    assert place.run(*hint(done, "run just this task again:")).code == 127


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_task_that_is_run_again_alone_can_be_stopped(place: Place, number: signal.Signals, code: int) -> None:
    place.write("in", "a\n")
    going = place.folder / "going"
    done = place.run("run", "-o", "out", "-m", f"{NOTE}[ -e {going} ] || exit 3; sleep 1000; true", "in")
    assert done.code == 4
    before = len(place.attempts())
    going.touch()

    again = place.start(*hint(done, "run just this task again:"))
    until(lambda: len(place.attempts()) > before, "the task")
    again.signal(number)

    assert again.wait().code == code
    assert place.processes() == []


def test_an_error_of_worker_processes_is_told_once_and_leaves_nothing(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-o", "out", "-m", "cat", "--archive", "in", "--workers", "2", "in")

    assert done.code == 4
    assert f" failed: archives: {place.folder}/in cannot be unpacked: " in done.stderr
    assert done.stderr.count("cannot be unpacked") == 1
    assert os.listdir(place.output) == []
