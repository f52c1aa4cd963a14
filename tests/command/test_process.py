"""Whole attempts: streams, ends, errors of the two who move bytes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from kubemr_shell.command import processes
from kubemr_shell.command.process import AttemptRequest, Runner
from kubemr_shell.errors import InputChanged, OutOfSpace, StorageUnavailable
from kubemr_shell.waits.flag import Flag
from tests.command.attempts import (
    Attempts,
    Collected,
    feeding,
    feeding_for_ever,
    flow,
    group_members,
    is_running,
    waiting_for_cancel,
)
from tests.support.waiting import until

MEBIBYTE = 1 << 20
EVERY_BYTE = bytes(range(256)) * 64


def daemon(script: str) -> str:
    """Shell: start a process in a session of its own, wait until it is there, print its number."""
    return f"mkfifo up; setsid sh -c 'echo >up; {script}' & read line <up; echo $!\n"


def test_a_string_is_run_by_a_shell(attempt: Attempts) -> None:
    outcome = attempt("tr a-z A-Z | rev; exit 3", stdin=b"abc\n")
    assert (outcome.exit_status, outcome.signal, attempt.stdout) == (3, None, b"CBA\n")


def test_a_list_is_executed_as_it_is(attempt: Attempts) -> None:
    attempt(("printf", "%s|", "a  b", "$HOME", "*", ""))
    assert attempt.stdout == b"a  b|$HOME|*||"


def test_bytes_pass_both_ways_unaltered(attempt: Attempts) -> None:
    outcome = attempt(("cat",), stdin=EVERY_BYTE)
    assert outcome.exit_status == 0
    assert attempt.stdout == EVERY_BYTE


def test_a_command_is_run_even_without_input(attempt: Attempts) -> None:
    attempt("wc -c | tr -d ' '")
    assert attempt.stdout == b"0\n"


def test_the_current_folder_is_the_attempts_own(attempt: Attempts) -> None:
    attempt("pwd -P")
    assert attempt.stdout.decode().strip() == os.path.realpath(attempt.folder)


def test_nothing_of_our_own_environment_is_inherited(attempt: Attempts) -> None:
    attempt.environment = {"ONLY": "this"}
    attempt(("/usr/bin/env",))
    assert attempt.stdout == b"ONLY=this\n"


def test_all_three_streams_are_served_at_once(attempt: Attempts) -> None:
    lines = b"0123456789abcdef\n" * (8 * MEBIBYTE // 17)
    outcome = attempt("tee /dev/stderr", stdin=lines)
    assert outcome.exit_status == 0
    assert attempt.stdout == lines
    assert attempt.log.read_bytes() == lines


def test_stdin_out_and_err_can_be_opened_by_name(attempt: Attempts) -> None:
    outcome = attempt("cat /dev/stdin >/dev/stdout; echo log >/dev/stderr", stdin=b"x\n")
    assert (outcome.exit_status, attempt.stdout, outcome.stderr_head) == (0, b"x\n", b"log\n")


def test_a_command_that_never_reads_its_input_has_succeeded(attempt: Attempts) -> None:
    outcome = attempt("true", stdin=feeding_for_ever)
    assert (outcome.exit_status, outcome.feed_error) == (0, None)


def test_a_command_that_stops_reading_early_has_succeeded(attempt: Attempts) -> None:
    outcome = attempt("head -n 1", stdin=feeding_for_ever)
    assert (outcome.exit_status, outcome.feed_error, attempt.stdout) == (0, None, b"0123456789abcde\n")


def test_a_command_may_close_its_input_and_go_on(attempt: Attempts) -> None:
    outcome = attempt("exec <&-; seq 100000 | tail -n 1", stdin=feeding_for_ever)
    assert (outcome.exit_status, outcome.feed_error, attempt.stdout) == (0, None, b"100000\n")


def test_a_command_may_close_its_output_and_go_on(attempt: Attempts) -> None:
    outcome = attempt("echo first; exec >&- 2>&-; cat >seen", stdin=b"x\n" * MEBIBYTE)
    assert (outcome.exit_status, attempt.stdout) == (0, b"first\n")
    assert (attempt.folder / "seen").stat().st_size == 2 * MEBIBYTE


def test_a_feed_that_waits_for_its_input_is_let_go_when_the_command_ends(attempt: Attempts) -> None:
    outcome = attempt("echo done", stdin=waiting_for_cancel)
    assert (outcome.exit_status, outcome.feed_error, attempt.stdout) == (0, None, b"done\n")


def test_a_command_that_dies_by_a_signal(attempt: Attempts) -> None:
    outcome = attempt("kill -SEGV $$")
    assert (outcome.exit_status, outcome.signal) == (None, signal.SIGSEGV)


def test_a_broken_pipe_kills_a_command_as_in_any_shell(attempt: Attempts) -> None:
    outcome = attempt(("sh", "-c", "yes | head -n 1; exec yes"), drain=lambda descriptor, _: os.read(descriptor, 0))
    assert outcome.signal == signal.SIGPIPE


def test_a_failed_feed_ends_the_command_before_it_sees_an_end_of_its_input(attempt: Attempts) -> None:
    def feed(descriptor: int, _: int) -> None:
        os.write(descriptor, b"only a part\n")
        raise InputChanged("x has changed")

    outcome = attempt("cat; echo complete >complete", stdin=feed)
    assert isinstance(outcome.feed_error, InputChanged)
    assert outcome.signal == signal.SIGTERM
    assert not (attempt.folder / "complete").exists()


def test_a_failed_drain_ends_the_command(attempt: Attempts) -> None:
    def drain(descriptor: int, cancel: int) -> None:
        raise OutOfSpace("full")

    outcome = attempt("sleep 1000", drain=drain)
    assert isinstance(outcome.drain_error, OutOfSpace)
    assert outcome.signal == signal.SIGTERM


def test_the_group_is_killed_when_the_command_has_ended(attempt: Attempts) -> None:
    outcome = attempt("trap '' TERM; sleep 1000 & sleep 1000 2>&1 & echo done")
    assert (outcome.exit_status, attempt.stdout) == (0, b"done\n")
    until(lambda: not group_members(attempt.group))


def test_a_daemon_that_holds_stdout_does_not_hold_the_attempt(attempt: Attempts) -> None:
    outcome = attempt(daemon("exec sleep 1000") + "printf 'no newline'")
    number, last = attempt.stdout.split(b"\n")
    assert (outcome.exit_status, outcome.drain_error, last) == (0, None, b"no newline")
    until(lambda: not is_running(int(number)))


def test_a_daemon_that_floods_stdout_and_stderr_does_not_hold_the_attempt(attempt: Attempts) -> None:
    outcome = attempt(daemon("yes >&2 & exec yes") + "head -c 100000 /dev/zero")
    assert (outcome.exit_status, outcome.drain_error) == (0, None)
    assert attempt.stdout.count(b"\0") == 100000


def test_a_daemon_that_let_go_of_our_pipes_is_left_alone(attempt: Attempts) -> None:
    attempt(daemon("exec sleep 1000 >&- 2>&-"))
    number = int(attempt.stdout)
    assert is_running(number)
    os.kill(number, signal.SIGKILL)


def test_a_process_older_than_the_command_that_holds_stdout_is_an_error_after_a_while(attempt: Attempts) -> None:
    holder = "read group; exec 3>/proc/$group/fd/1; echo held; exec sleep 1000"
    with subprocess.Popen(["sh", "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as older:
        assert older.stdin is not None
        assert older.stdout is not None
        pipes = older.stdin, older.stdout
        until(lambda: processes.started_at(older.pid) < processes.ticks_since_boot())

        def hold(group: int) -> None:
            pipes[0].write(b"%d\n" % group)
            assert pipes[1].readline() == b"held\n"

        outcome = attempt("cat", on_start=hold, grace_seconds=0.2)
        assert "keeps its stdout open" in str(outcome.drain_error)
        assert older.poll() is None
        older.kill()


@pytest.mark.parametrize("kind", ["feed", "drain"])
def test_whatever_a_mover_raises_is_handed_over(attempt: Attempts, kind: str) -> None:
    def broken(descriptor: int, cancel: int) -> None:
        raise SystemExit(f"the {kind} is broken")

    outcome = attempt("cat", stdin=broken) if kind == "feed" else attempt("cat", drain=broken)
    error = outcome.feed_error if kind == "feed" else outcome.drain_error
    assert str(error) == f"the {kind} is broken"


def test_an_error_while_the_command_is_watched_leaves_nothing_behind_but_the_log(attempt: Attempts) -> None:
    def forget(group: int) -> None:
        until((attempt.folder / "up").exists)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        attempt("echo log >&2; touch up; sleep 1000 & sleep 1000", on_start=forget)
    until(lambda: not group_members(attempt.group))
    assert attempt.log.read_bytes() == b"log\n"
    assert attempt("echo still usable").exit_status == 0


def test_no_descriptor_and_no_thread_is_lost(attempt: Attempts) -> None:
    def count() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    cancel = Flag()
    attempt("true", cancel=cancel)
    before = count()
    for command in ("cat", "exit 3", "kill -9 $$", "exec >&- 2>&- <&-"):
        attempt(command, stdin=b"x\n", cancel=cancel)
    assert count() == before
    cancel.close()


def test_many_runners_do_not_hold_each_others_pipes_open(tmp_path: Path) -> None:
    """A pipe that leaked into another command would keep this one's input without an end."""

    def work(number: int) -> None:
        runner = Runner()
        for _ in range(40):
            collected = Collected()
            cancel = Flag()
            outcome = runner.run(
                AttemptRequest(
                    command="cat",
                    feed=flow(feeding(b"%d\n" % number)),
                    drain=collected,
                    folder=str(tmp_path),
                    environment={"PATH": os.defpath},
                    timeout_seconds=60,
                    log_path=str(tmp_path / "log"),
                    cancel=cancel,
                )
            )
            cancel.close()
            results.append((outcome.exit_status, outcome.timed_out, bytes(collected.data) == b"%d\n" % number))
        runner.close()

    results: list[tuple[int | None, bool, bool]] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(0, False, True)] * 160


def test_what_a_command_says_that_it_does_is_told_while_it_runs(attempt: Attempts) -> None:
    """It goes on to say the next thing only when the one before was heard."""
    told: list[str] = []

    def hear(text: str) -> None:
        told.append(text)
        (attempt.folder / f"heard {len(told)}").touch()

    say = 'echo "reporter:status:%s" >&2; while [ ! -e "heard %d" ]; do sleep 0.01; done; '
    outcome = attempt(say % ("first", 1) + say % ("second", 2), on_status=hear)
    assert (outcome.exit_status, told) == (0, ["first", "second"])


@pytest.mark.parametrize(
    ("error", "counts"), [(InputChanged("it is another file"), True), (StorageUnavailable("it is down"), False)]
)
def test_what_a_command_has_read_must_have_been_the_input_though_it_did_not_wait_for_the_end(
    attempt: Attempts, error: Exception, counts: bool
) -> None:
    """The command did not need the input that its feed could not deliver."""

    def feed(descriptor: int, cancel: int) -> None:
        os.write(descriptor, b"one\n")
        poll = select.poll()
        poll.register(descriptor, 0)  # an error: nobody reads any more
        poll.poll()
        raise error

    # A shell closes its stdin only when it exits. ``head`` closes it earlier, and could still be stopped then.
    outcome = attempt('read -r line; echo "$line"', stdin=feed)
    assert outcome.exit_status == 0
    assert outcome.feed_error is (error if counts else None)
    assert counts or attempt.stdout == b"one\n", "an attempt that fails need not read its output to the end"
