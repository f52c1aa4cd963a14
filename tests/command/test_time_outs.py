"""Stopping a command: no progress, a request to stop, and commands that do not want to."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from kubemr_shell.command.pump import Move
from kubemr_shell.waits.flag import Flag
from tests.command.attempts import (
    Attempts,
    Collected,
    feeding_for_ever,
    group_members,
    is_fed,
    is_running,
)
from tests.support.waiting import is_ready, until

pytestmark = pytest.mark.lengthy  # time-outs are whole seconds

SHORT_SECONDS = 0.3
AMPLE_SECONDS = 2.0
"""The seconds in which a command reaches a certain point, also on a busy machine."""
IGNORES_TERM = "trap '' TERM; echo ready; while :; do sleep 1000; done"


@pytest.fixture
def cancel() -> Iterator[Flag]:
    cancel = Flag()
    yield cancel
    cancel.close()


class Refilling:
    """A feed without an end that keeps the pipe full."""

    def __init__(self) -> None:
        self.moved = 0

    def __call__(self, descriptor: int, stop: int) -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        poll.register(stop, select.POLLIN)
        while not any(ready == stop for ready, _ in poll.poll()):
            with suppress(BlockingIOError):
                self.moved += os.write(descriptor, b"x" * 65536)


def cancelling(cancel: Flag) -> Move:
    """A drain that asks to stop as soon as the command has written something."""

    def drain(descriptor: int, stop: int) -> None:
        is_fed(descriptor, stop)
        cancel.set()
        is_ready(stop, None)

    return drain


def test_a_command_that_moves_nothing_is_stopped(attempt: Attempts) -> None:
    outcome = attempt("sleep 1000", timeout_seconds=SHORT_SECONDS)
    assert (outcome.timed_out, outcome.cancelled, outcome.signal) == (True, False, signal.SIGTERM)
    assert outcome.seconds >= SHORT_SECONDS


def test_a_stopped_command_makes_no_progress(attempt: Attempts) -> None:
    outcome = attempt("echo x; kill -STOP $$; echo y", timeout_seconds=AMPLE_SECONDS)
    assert (outcome.timed_out, outcome.signal, attempt.stdout) == (True, signal.SIGTERM, b"x\n")


def test_a_command_that_lets_its_input_wait_is_idle(attempt: Attempts) -> None:
    """Also while the feed has more."""
    outcome = attempt("sleep 1000", stdin=feeding_for_ever, timeout_seconds=SHORT_SECONDS)
    assert outcome.timed_out


def test_a_command_that_waits_for_its_input_is_not_idle(attempt: Attempts) -> None:
    """A reduceCommand waits so long for the merge of more runs than can be merged at once."""

    def late(descriptor: int, stop: int) -> None:
        if not is_ready(stop, 1.5 * AMPLE_SECONDS):
            os.write(descriptor, b"at last\n")

    outcome = attempt("cat", stdin=late, timeout_seconds=AMPLE_SECONDS)
    assert (outcome.timed_out, outcome.exit_status, attempt.stdout) == (False, 0, b"at last\n")


def test_a_command_whose_output_is_not_taken_is_not_idle(attempt: Attempts) -> None:
    """A mapCommand waits so long while the engine sorts and spills what it has taken."""
    collected = Collected()

    def late(descriptor: int, stop: int) -> None:
        if is_fed(descriptor, stop) and not is_ready(stop, 1.5 * AMPLE_SECONDS):
            collected(descriptor, stop)

    outcome = attempt("seq 400000", drain=late, timeout_seconds=AMPLE_SECONDS)
    assert (outcome.timed_out, outcome.exit_status) == (False, 0)
    assert collected.data.endswith(b"\n400000\n")


def test_a_command_that_has_all_its_input_is_idle_though_its_output_was_slow(attempt: Attempts) -> None:
    """The time that the engine takes does not excuse the command for ever."""

    def slow(descriptor: int, stop: int) -> None:
        if is_fed(descriptor, stop) and not is_ready(stop, 2 * SHORT_SECONDS):
            Collected()(descriptor, stop)

    outcome = attempt("echo x; exec sleep 1000", drain=slow, timeout_seconds=SHORT_SECONDS)
    assert outcome.timed_out


@pytest.mark.parametrize(
    "command",
    [
        "for i in $(seq 16); do sleep 0.2; echo $i; done",
        "for i in $(seq 16); do sleep 0.2; echo $i >&2; done",
        "for i in $(seq 16); do sleep 0.2; read line; done",
    ],
    ids=["stdout", "stderr", "stdin"],
)
def test_a_byte_on_any_stream_is_progress(attempt: Attempts, command: str) -> None:
    """Input too that was fed long ago, and waits in the pipe until the command reads it."""
    outcome = attempt(command, stdin=b"x\n" * 20, timeout_seconds=AMPLE_SECONDS)
    assert (outcome.timed_out, outcome.exit_status) == (False, 0)
    assert outcome.seconds > 1.5 * AMPLE_SECONDS


def test_reading_is_progress_though_the_pipe_is_always_as_full_again(attempt: Attempts) -> None:
    """The pipe is refilled at once, so only the count of the feed shows that the command reads."""
    command = "for i in $(seq 16); do sleep 0.2; dd bs=65536 count=1 of=/dev/null 2>/dev/null; done"
    outcome = attempt(command, stdin=Refilling(), timeout_seconds=AMPLE_SECONDS)
    assert (outcome.timed_out, outcome.exit_status) == (False, 0)


def test_a_command_may_end_well_when_it_is_asked_to(attempt: Attempts) -> None:
    outcome = attempt("trap 'echo log >&2; exit 7' TERM; sleep 1000 & wait", timeout_seconds=AMPLE_SECONDS)
    assert (outcome.timed_out, outcome.exit_status, outcome.stderr_head) == (True, 7, b"log\n")


def test_a_command_that_ignores_sigterm_is_killed_with_its_group(attempt: Attempts) -> None:
    outcome = attempt(IGNORES_TERM, timeout_seconds=AMPLE_SECONDS, grace_seconds=0.1)
    assert (outcome.timed_out, outcome.signal) == (True, signal.SIGKILL)
    until(lambda: not group_members(attempt.group))


def test_a_request_to_stop_ends_a_command_at_once(attempt: Attempts, cancel: Flag) -> None:
    outcome = attempt("echo x; exec sleep 1000", drain=cancelling(cancel), cancel=cancel)
    assert (outcome.cancelled, outcome.timed_out, outcome.signal) == (True, False, signal.SIGTERM)


def test_a_request_to_stop_kills_what_ignores_sigterm(attempt: Attempts, cancel: Flag) -> None:
    outcome = attempt(IGNORES_TERM, drain=cancelling(cancel), cancel=cancel, grace_seconds=0.1)
    assert (outcome.cancelled, outcome.signal) == (True, signal.SIGKILL)


def test_a_request_to_stop_reaches_processes_in_sessions_of_their_own(attempt: Attempts, cancel: Flag) -> None:
    daemon = "setsid sh -c 'echo $$ >number; mv number daemon; exec sleep 1000' >/dev/null &"
    waiting = "while ! [ -e daemon ]; do :; done; echo x; exec sleep 1000"
    outcome = attempt(f"{daemon} {waiting}", drain=cancelling(cancel), cancel=cancel)
    assert outcome.cancelled
    number = int((attempt.folder / "daemon").read_text())
    until(lambda: not is_running(number))


def test_a_request_to_stop_that_came_before_the_start_counts(attempt: Attempts, cancel: Flag) -> None:
    cancel.set()
    outcome = attempt("sleep 1000", stdin=feeding_for_ever, cancel=cancel)
    assert (outcome.cancelled, outcome.signal) == (True, signal.SIGTERM)


def test_a_request_to_stop_reaches_a_drain_that_outlives_the_command(attempt: Attempts, cancel: Flag) -> None:
    def slow(descriptor: int, stop: int) -> None:
        until(lambda: not group_members(attempt.group))
        cancel.set()
        is_ready(stop, None)

    outcome = attempt("echo x", drain=slow, cancel=cancel)
    assert outcome.cancelled


def test_a_slow_drain_is_waited_for(attempt: Attempts) -> None:
    """The output of a command before its end counts, however long its sorting takes."""
    taken = bytearray()

    def slow(descriptor: int, stop: int) -> None:
        until(lambda: not group_members(attempt.group))
        deadline = time.monotonic() + 1.5 * AMPLE_SECONDS
        while not is_ready(stop, max(0, deadline - time.monotonic())):
            data = os.read(descriptor, 1 << 20)
            if not data:
                return
            taken.extend(data)

    outcome = attempt("seq 10000", drain=slow, timeout_seconds=AMPLE_SECONDS, grace_seconds=SHORT_SECONDS)
    assert (outcome.exit_status, outcome.timed_out, outcome.drain_error) == (0, False, None)
    assert taken.endswith(b"\n10000\n")
