"""Calls that cannot be carried out: exit 2, every problem named, and nothing was touched."""

from __future__ import annotations

import os

import pytest

from tests.support.runs import Place, unprivileged

PROBLEMS = """
apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {name: Bad Name}
spec:
  inputs: []
  mapComand: cat
  partitions: -1
  maxAttempts: many
  split: {maxBytes: 64Mib}
  output: out
"""


def test_every_problem_of_a_job_is_said_at_once(place: Place) -> None:
    place.write("job.yaml", PROBLEMS)

    done = place.run("run", "job.yaml")

    assert done.code == 2
    assert done.stderr.startswith("kubemr-shell: job.yaml: 6 problems\n")
    for path in ("metadata.name", "spec.inputs", "spec.mapComand", "spec.partitions", "spec.maxAttempts", "spec.split"):
        assert f"\n  {path}" in done.stderr
    assert "mapCommand" in done.stderr, "the nearest name of the unknown field"
    assert not place.output.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no document"),
        ("- a\n- b\n", "mapping"),
        ("just words\n", "mapping"),
        ("a: 1\n---\nb: 2\n", "document"),
        ("a: [1\n", "YAML"),
        ("spec:\n\tinputs: [in]\n", "line 2, column 1: is not YAML: "),
        ("spec:\n\tinputs: [in]\n", "a tab stands there: indent with spaces"),
        ("\x00", "YAML"),
    ],
)
def test_yaml_that_is_no_job_is_said_to_be_none(place: Place, text: str, says: str) -> None:
    place.write("job.yaml", text)
    done = place.run("run", "job.yaml")
    assert done.code == 2
    assert "job.yaml" in done.stderr
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "name a job's YAML, or give a command with -m and inputs"),
        (["run", "--no-such-flag"], "No such option"),
        (["no-such-command"], "No such command"),
        (["run", "-m", "cat"], "spec.inputs"),
        (["run", "-m", "cat", "--slots", "0", "in"], "--slots"),
        (["run", "-m", "cat", "--workers", "many", "in"], "--workers"),
        (["run", "-m", "cat", "--memory", "lots", "in"], "--memory lots"),
        (
            ["run", "-m", "cat", "--slots", "8", "--memory", "100Mi", "in"],
            "--memory 100Mi (of a pod: half of its limit) is too little for one slot: give at least 104Mi",
        ),
        (
            ["run", "-m", "cat", "--memory", "10", "in"],
            "--memory 10 (of a pod: half of its limit) is too little for one slot",
        ),
        (["run", "-r", "cat", "in"], "without -m the first argument is a job's YAML: give -m CMD to read it as input"),
        (["run", "-m", "cat", "-o", "s3:/bucket/out", "in"], "s3:/bucket/out: write s3:// with two slashes"),
        (["run", "-m", "cat", "--env", "novalue", "in"], "--env novalue: write NAME=VALUE"),
        (["run", "-m", "cat", "-p", "-3", "in"], "spec.partitions"),
        (["run", "-m", "cat", "--ok-exit-code", "300", "in"], "spec.okExitCodes"),
        (["run", "-m", "cat", "--overwrite", "in"], "--overwrite needs an output"),
        (["results", "out"], "out"),
        (["debug", "in", "map/0"], "in"),
    ],
)
def test_a_wrong_call_is_explained(place: Place, arguments: list[str], says: str) -> None:
    place.write("in", "a\n")
    done = place.run(*arguments)
    assert done.code == 2
    assert done.stdout == b""
    assert says in done.stderr
    assert sorted(path.name for path in place.folder.iterdir()) == ["in", "stderr.0", "stdout.0", "tmp"]


def test_too_little_memory_for_all_slots_takes_fewer_and_says_so(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "--slots", "8", "--memory", "150Mi", "-m", "cat", "in")
    assert (done.code, done.stdout) == (0, b"a\n")
    assert done.stderr.startswith("--memory is enough for 2 of 8 slots\n")


@pytest.mark.parametrize("task", ["map/7", "reduce/9", "publish/0", "map", "nonsense/1", "map/-1"])
def test_a_task_that_a_job_does_not_have_cannot_be_run_again(place: Place, task: str) -> None:
    place.write("in", "a\n")
    assert place.run("run", "-o", "out", "-m", "exit 1", "--max-attempts", "1", "in").code == 4
    done = place.run("debug", "out", task)
    assert done.code == 2
    assert f"kubemr-shell: {task}: " in done.stderr


def test_a_reduce_task_cannot_be_run_again_before_its_input_is_there(place: Place) -> None:
    place.write("in", "a\n")
    assert place.run("run", "-o", "out", "-m", "exit 1", "-r", "cat", "--max-attempts", "1", "in").code == 4
    done = place.run("debug", "out", "reduce/0")
    assert done.code == 2
    assert "not every map task is done" in done.stderr


@pytest.mark.parametrize("kind", ["unreadable", "read only", "a file"])
def test_a_place_for_the_state_that_cannot_be_used_is_named(place: Place, kind: str) -> None:
    place.write("in", "a\n")
    if kind == "a file":
        place.write("state", "mine")
    else:
        (place.folder / "state").mkdir(mode=0 if kind == "unreadable" else 0o555)

    done = place.start("run", "-m", "cat", "in", under=unprivileged()).wait()

    assert done.code == 7
    assert f"{place.state}: the state of a run cannot be kept there" in done.stderr
    assert "set XDG_STATE_HOME to another folder, or give an output folder with -o" in done.stderr
    done = place.start("run", "-m", "cat", "-o", "out", "in", under=unprivileged()).wait()
    assert done.code == 0, "with an output folder no other place is needed"


def test_what_others_keep_beside_our_state_is_left_alone(place: Place) -> None:
    place.write("in", "a\n")
    place.state.mkdir(parents=True)
    (place.state / "note").write_text("mine")
    assert place.run("run", "-m", "cat", "in").code == 0
    assert os.listdir(place.state) == ["note"]


def test_a_current_folder_that_was_removed_is_no_bug_of_ours(place: Place) -> None:
    run = place.start(
        "run", "-m", "cat", "/dev/null", under=["sh", "-c", 'mkdir away; cd away; rmdir ../away; "$0" "$@"']
    )
    done = run.wait()
    assert done.code == 2
    assert done.stderr == "kubemr-shell: the current folder was removed: change to one that exists\n"
