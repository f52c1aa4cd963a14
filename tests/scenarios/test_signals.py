"""SIGINT, SIGTERM and SIGHUP stop a run: its commands end, its tasks are given back, ``--resume`` goes on."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.http_server import Resource, serving
from tests.support.runs import WAIT, Place, Run
from tests.support.waiting import PATIENCE_SECONDS, until

ONE_PROCESS = ("--slots", "2")
TWO_WORKERS = ("--workers", "2", "--slots", "1")
RUNS = pytest.mark.parametrize("flags", [ONE_PROCESS, TWO_WORKERS], ids=["one process", "two workers"])
DEAF = """trap 'echo >> "$HEARD"' TERM; sleep 1000 & while :; do wait; done; """


@pytest.mark.parametrize(
    ("flags", "phase", "number", "code"),
    [
        (ONE_PROCESS, "map", signal.SIGINT, 130),
        (ONE_PROCESS, "reduce", signal.SIGTERM, 143),
        (ONE_PROCESS, "map", signal.SIGHUP, 143),
        (TWO_WORKERS, "reduce", signal.SIGINT, 130),
        (TWO_WORKERS, "map", signal.SIGTERM, 143),
        (TWO_WORKERS, "reduce", signal.SIGHUP, 143),
    ],
)
def test_a_signal_stops_a_run_that_can_be_resumed(
    place: Place, flags: tuple[str, ...], phase: str, number: signal.Signals, code: int
) -> None:
    job = WordCount(**{f"before_{phase}": WAIT}, flags=flags)  # type: ignore[arg-type]
    with place.closed_gate():
        run = place.start(*job.arguments(place))
        until(lambda: len(place.attempts(phase)) == 2, "two tasks")
        run.signal(number)
        stopped = run.wait()
    assert stopped.code == code
    assert stopped.stderr.endswith(f"stopped by {number.name}; continue with --resume\n")
    assert place.processes() == []
    assert [path.name for path in place.output.iterdir()] == ["_kubemr"]
    assert list(place.job_folder().glob("scratch/*")) == []
    maps = place.attempts("map")

    done = place.run(*job.arguments(place), "--resume")

    assert done.code == 0, done.stderr
    assert phase == "map" or place.attempts("map") == maps
    assert_complete(place, job)


@RUNS
def test_a_second_ctrl_c_ends_a_run_whose_commands_do_not_listen(place: Place, flags: tuple[str, ...]) -> None:
    run = start_deaf(place, flags)
    run.signal(signal.SIGINT)
    until((place.folder / "heard").exists, "the SIGTERM of a command")

    run.signal(signal.SIGINT)

    done = run.wait()
    assert done.code == 130
    assert "stopped by" not in done.stderr, "it waited for its commands, and ended as after one signal"
    until(lambda: place.processes() == [], "the end of workers and commands")


@RUNS
def test_commands_that_do_not_listen_are_killed_after_a_while(place: Place, flags: tuple[str, ...]) -> None:
    run = start_deaf(place, flags)

    run.signal(signal.SIGTERM)

    assert run.wait().code == 143
    assert place.processes() == []


def start_deaf(place: Place, flags: tuple[str, ...]) -> Run:
    job = WordCount(before_map=DEAF, flags=flags)
    run = place.start(*job.arguments(place), environment={"HEARD": str(place.folder / "heard")})
    until(lambda: len(place.attempts("map")) == 2, "two map tasks")
    return run


def test_a_run_without_an_output_folder_leaves_nothing_when_it_is_stopped(place: Place) -> None:
    place.write("in", "a\n")
    run = place.start("run", "-m", 'echo >> "$ATTEMPTS"; sleep 1000', "in")
    until((place.folder / "attempts").exists, "the map task")

    run.signal(signal.SIGINT)

    done = run.wait()
    assert done.code == 130
    assert done.stdout == b""
    assert done.stderr.endswith("stopped by SIGINT\n")
    assert list(place.state.iterdir()) == []


def test_a_quiet_run_says_nothing_when_it_is_stopped(place: Place) -> None:
    place.write("in", "a\n")
    run = place.start("run", "--quiet", "-m", 'echo >> "$ATTEMPTS"; sleep 1000', "in")
    until((place.folder / "attempts").exists, "the map task")

    run.signal(signal.SIGTERM)

    done = run.wait()
    assert (done.code, done.stdout, done.stderr) == (143, b"", "")


@RUNS
def test_a_run_under_nohup_outlives_its_terminal(place: Place, flags: tuple[str, ...]) -> None:
    job = WordCount(before_map=WAIT, flags=flags)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place), under=["nohup"])
        until(lambda: place.attempts("map"), "a map task")
        run.signal(signal.SIGHUP)
        open_gate()
        assert run.wait().code == 0
    assert_complete(place, job)


@RUNS
def test_a_signal_ends_the_listing_of_inputs(place: Place, flags: tuple[str, ...]) -> None:
    """The list of inputs is on a server that never ends its answer, so only the signal can end the run."""
    endless = Resource(b"a\nb\n", hold=threading.Event(), trickles=True, says_length=False)
    with serving({"/list": endless}) as server:
        run = place.start("run", "-m", "cat", "--inputs-from", server.url("/list"), "-o", "out", *flags)
        assert server.half_sent.wait(PATIENCE_SECONDS)
        run.signal(signal.SIGTERM)
        assert run.wait().code == 143
    assert list(place.output.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_waits_for_its_input_is_interrupted_at_once_and_leaves_nothing(
    place: Place, number: signal.Signals, code: int
) -> None:
    reading, writing = os.pipe()
    run = place.start("run", "-m", "cat", "-", stdin=reading)
    until(lambda: list(place.state.glob("*/stdin.partial")), "the copy of stdin")

    run.signal(number)

    assert run.wait().code == code
    assert list(place.state.iterdir()) == []
    os.close(reading)
    os.close(writing)


HOSTILE = [
    "env",
    *(f"--ignore-signal={name}" for name in ("CHLD", "INT", "HUP", "USR1", "TSTP", "TTOU")),
    "--block-signal=TERM",
]
"""The state that a command would inherit from a careless parent of the run."""


@RUNS
@pytest.mark.parametrize(
    "command", ["grep Sig[IB] /proc/self/status", ["grep", "Sig[IB]", "/proc/self/status"]], ids=["string", "list"]
)
def test_commands_inherit_no_ignored_and_no_blocked_signal(
    place: Place, flags: tuple[str, ...], command: str | list[str]
) -> None:
    """In one process, in several, and when a task is debugged."""
    place.write("in", "one\n")
    spec = {"mapCommand": command, "inputs": ["in"], "partitions": 0}
    job = {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": {"name": "job"}, "spec": spec}
    place.write("job.yaml", json.dumps(job))
    hostile = ["setsid", "--wait", *HOSTILE]  # without a terminal, which a test may have or not
    done = place.start("run", "job.yaml", "-o", "out", "--keep-tmp", *flags, under=hostile).wait()
    assert done.code == 0, done.stderr
    assert signals_of(place.parts()["part-00000"]) == {"SigBlk": 0, "SigIgn": 0}
    again = place.start("debug", "out", "map/0", under=hostile).wait()
    assert signals_of(again.stdout) == {"SigBlk": 0, "SigIgn": 0}


def signals_of(status: bytes) -> dict[str, int]:
    """Return the masks of ``/proc/self/status`` without signals 32 and 33.

    The C library keeps these two for itself: no program can unblock them.
    """
    lines = dict(line.split(":\t") for line in status.decode().splitlines())
    return {name: int(mask, 16) & ~(0b11 << 31) for name, mask in lines.items()}


@RUNS
def test_a_failed_command_is_one_though_the_run_was_told_to_ignore_the_end_of_children(
    place: Place, flags: tuple[str, ...]
) -> None:
    place.write("in", "one\n")
    done = place.start("run", "-o", "out", "-m", "cat; exit 3", "in", *flags, under=HOSTILE).wait()
    assert done.code == 4, done.stderr
    assert place.parts() == {}
