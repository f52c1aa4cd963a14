"""Whole jobs whose commands start with a niceness of their own."""

from __future__ import annotations

import json

import pytest

from tests.support.runs import Place

NOTE_NICENESS = 'echo "$0 $(cut -d " " -f 19 /proc/self/stat)" >> "$ATTEMPTS"; cat'
"""Shell: note the niceness of the command, then copy the input."""


def noting(name: str) -> list[str]:
    """Return a command that notes its name and its niceness."""
    return ["sh", "-c", NOTE_NICENESS, name]


@pytest.mark.parametrize("flags", [[], ["--workers", "2"]], ids=["one worker", "two workers"])
def test_map_combine_and_reduce_have_the_niceness_of_the_job(place: Place, flags: list[str]) -> None:
    commands = {f"{name}Command": noting(name) for name in ("map", "combine", "reduce")}
    document = {
        "apiVersion": "turbobytes.com/v1alpha1",
        "kind": "MapReduceJob",
        "metadata": {"name": "nice"},
        "spec": {"inputs": ["in"], **commands, "partitions": 1, "nice": 18, "output": "out"},
    }
    place.write("in", "b\na\n")
    place.write("job.yaml", json.dumps(document))
    done = place.run("run", *flags, "job.yaml")
    assert done.code == 0, done.stderr
    assert set(place.attempts()) == {"map 18", "combine 18", "reduce 18"}
    assert place.parts() == {"part-00000": b"a\nb\n"}


def test_a_flag_goes_before_the_yaml(place: Place) -> None:
    place.write("in", "a\n")
    command = "cut -d ' ' -f 19 /proc/self/stat"
    spec = {"inputs": ["in"], "mapCommand": command, "partitions": 0, "nice": 18}
    kind = {"apiVersion": "turbobytes.com/v1alpha1", "kind": "MapReduceJob", "metadata": {"name": "nice"}}
    place.write("job.yaml", json.dumps({**kind, "spec": spec}))
    done = place.run("run", "-q", "--nice", "19", "job.yaml")
    assert (done.code, done.stdout) == (0, b"19\n"), done.stderr


def test_a_resumed_run_may_have_another_niceness(place: Place) -> None:
    place.write("in", "a\n")
    command = "cut -d ' ' -f 19 /proc/self/stat | grep 19"
    words = ("run", "-o", "out", "-p", "0", "--max-attempts", "1", "-m", command, "in")
    assert place.run(*words, "--nice", "18").code == 4
    done = place.run(*words, "--nice", "19", "--resume")
    assert (done.code, place.parts()) == (0, {"part-00000": b"19\n"}), done.stderr


def test_debug_runs_a_command_with_the_niceness_of_the_job(place: Place) -> None:
    place.write("in", "a\n")
    command = "cut -d ' ' -f 19 /proc/self/stat; exit 3"
    assert place.run("run", "-o", "out", "--nice", "19", "--max-attempts", "1", "-m", command, "in").code == 4
    done = place.run("debug", "out", "map/0")
    assert (done.code, done.stdout) == (3, b"19\n"), done.stderr
