"""Tests of everything that a run writes to stdout and stderr: results, progress and the summary."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import time

import pytest

from tests.scenarios.crashes import dying
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.calls import KUBEMR_SHELL
from tests.support.runs import WAIT, Place
from tests.support.waiting import PATIENCE_SECONDS, is_ready, until

LINES = "".join(f"{number:06d}\n" for number in range(200_000))


def test_a_reader_that_has_enough_ends_the_run_quietly(place: Place) -> None:
    place.write("in", LINES)
    run = shlex.join([KUBEMR_SHELL, "run", "--quiet", "-m", "cat", "in"])

    done = subprocess.run(
        [*place.environment(), "bash", "-c", f"{run} | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert len(done.stdout) == len("000000\n")
    assert done.stderr == ""
    assert list(place.state.iterdir()) == []


def test_parts_come_in_order_with_a_newline_between_them_where_one_is_missing(place: Place) -> None:
    place.write("in", "".join(f"{number}\n" for number in range(30)))
    tell = ("run", "-m", "cat", "-r", 'cat >/dev/null; printf "part %s" "$KUBEMR_TASK"', "-p", "12")

    done = place.run(*tell, "in")
    assert done.code == 0
    assert done.stdout == "\n".join(f"part {number}" for number in range(12)).encode()

    assert place.run(*tell, "-o", "out", "in").code == 0
    assert place.parts()["part-00011"] == b"part 11"
    assert place.run("results", "out").stdout == done.stdout


def test_nothing_is_on_stdout_before_the_job_is_done(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-p", "3", "-m", "cat", "-r", 'echo early; exit "$KUBEMR_TASK"', "in")
    assert (done.code, done.stdout) == (4, b"")


def test_malformed_reporter_lines_are_said_at_the_end(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "-m", 'cat; echo "reporter:counter:no amount" >&2', "in")

    assert done.code == 0
    assert (
        "         1 warning, such as map/0: not understood (a counter has three fields: GROUP,NAME,AMOUNT): "
        "reporter:counter:no amount\n"
    ) in done.stderr


def test_a_quiet_run_prints_nothing_but_its_results(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "--quiet", "-p", "1", "-m", "cat; echo noise >&2", "in")
    assert (done.code, done.stdout, done.stderr) == (0, b"a\n", "")


def test_a_quiet_run_that_fails_says_why(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", "--quiet", "-m", "exit 3", "in")
    assert done.code == 4
    assert "exit status 3" in done.stderr


def test_the_summary_has_the_figures_of_each_phase(place: Place) -> None:
    place.write("in", "a\nb\na\na\n")
    count = 'cat; echo "reporter:counter:Animals,cats,3" >&2'
    done = place.run("run", "-p", "2", "-m", count, "-r", "uniq -c", "in")

    assert done.code == 0
    summary = re.sub(r"[0-9.]+ s\b", "T", done.stderr)
    heavy = [line for line in summary.splitlines() if "heaviest" in line]
    assert summary.splitlines()[0] == "2 parts, 20 B in stdout, T"
    assert "map      1 task: 4 records, 8 B in; 4 records, 8 B out; slowest map/0 T" in summary
    assert "reduce   2 tasks: 4 records, 8 B in; 2 records, 20 B out; slowest reduce/" in summary
    assert heavy == ["         heaviest key: a, 3 records, 75% of the phase"]
    assert summary.splitlines()[-1] == "counter  Animals: cats = 3"


@pytest.mark.slow
def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(place: Place) -> None:
    job = WordCount(before_reduce=WAIT)
    with place.closed_gate() as open_gate:
        run = place.start(*job.arguments(place))
        until(lambda: run.stderr.count("\n") >= 2, "two lines")
        lines = run.stderr.splitlines()
        open_gate()
        assert run.wait().code == 0
    assert all(re.fullmatch(r"reduce: [0-5]/5 tasks.*", line) for line in lines)
    assert "\x1b" not in run.stderr


class Terminal:
    """A run whose stderr, or all of it, is a terminal; ``said`` is all that it wrote there."""

    def __init__(self, place: Place, arguments: list[str]) -> None:
        self._controller, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [*place.environment({"TERM": "xterm", "COLUMNS": "100"}), KUBEMR_SHELL, *arguments],
            cwd=place.folder,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.said = ""

    def read_until(self, text: str) -> None:
        """Read on until the text was written; empty: until the end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (text and text in self.said):
            assert is_ready(self._controller, deadline - time.monotonic()), self.said
            try:
                self.said += os.read(self._controller, 65536).decode()
            except OSError:  # nobody has the terminal open any more
                assert not text, self.said
                return

    def close(self) -> bytes:
        """Read the rest; what was on stdout."""
        self.read_until("")
        os.close(self._controller)
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            return stdout.read()


def test_progress_is_a_bar_on_a_terminal_and_is_gone_at_the_end(place: Place) -> None:
    place.write("in", "a\nb\n")
    with place.closed_gate() as open_gate:
        terminal = Terminal(place, ["run", "-p", "2", "-m", "cat", "-r", f"{WAIT}cat", "in"])
        terminal.read_until("0/2 tasks")
        open_gate()
        stdout = terminal.close()
    assert terminal.process.wait() == 0
    assert sorted(stdout.split()) == [b"a", b"b"]
    assert "reduce" in terminal.said
    assert "2 parts, 4 B in stdout" in terminal.said
    assert terminal.said.rfind("\x1b[?25h") > terminal.said.rfind("\x1b[?25l")


@pytest.mark.parametrize("flags", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_what_a_task_says_that_it_does_is_shown_on_a_terminal(place: Place, flags: tuple[str, ...]) -> None:
    place.write("in", "a\n")
    command = f'echo "reporter:status:half way through" >&2; {WAIT}cat'
    with place.closed_gate() as open_gate:
        terminal = Terminal(place, ["run", *flags, "-m", command, "in"])
        terminal.read_until("map/0: half way through")
        open_gate()
        terminal.close()
    assert terminal.process.wait() == 0


@pytest.mark.parametrize("times", [1, 2])
def test_the_cursor_is_there_again_after_ctrl_c(place: Place, times: int) -> None:
    place.write("in", "a\n")
    command = """trap 'echo >> "$ATTEMPTS"' TERM; sleep 1000 & while :; do wait; done"""
    terminal = Terminal(place, ["run", "-m", command if times == 2 else "sleep 1000", "in"])
    terminal.read_until("0/1 tasks")
    os.kill(terminal.process.pid, 2)
    if times == 2:
        until((place.folder / "attempts").exists, "the SIGTERM of the command")
        os.kill(terminal.process.pid, 2)
    terminal.close()
    assert terminal.process.wait() == 130
    assert terminal.said.rfind("\x1b[?25h") > terminal.said.rfind("\x1b[?25l")
    until(lambda: place.processes() == [], "the end of the command")


def test_a_stderr_that_nobody_reads_does_not_stop_a_job(place: Place) -> None:
    job = WordCount(lines=100, partitions=2)
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [*place.environment(), KUBEMR_SHELL, *job.arguments(place)], cwd=place.folder, stderr=writing
    ) as process:
        os.close(writing)
        assert process.wait() == 0
    assert_complete(place, job)


def test_what_killed_runs_without_an_output_folder_left_goes_at_the_next_start(place: Place) -> None:
    place.write("in", "a\n")
    place.run("run", "-m", "cat", "in", environment=dying(place, on="map-00000", at=0))
    assert len(list(place.state.iterdir())) == 1

    with place.closed_gate() as open_gate:
        alive = place.start("run", "-m", f"{WAIT}cat", "in")
        until(lambda: len(list(place.state.glob("*/board.sqlite"))) == 1, "another run")
        assert place.run("run", "-m", "cat", "in").code == 0
        assert len(list(place.state.iterdir())) == 1, "that of the run that is alive"
        open_gate()
        assert alive.wait().stdout == b"a\n"
    assert list(place.state.iterdir()) == []
