"""Tests of the niceness with which commands start."""

from __future__ import annotations

import os
import threading

import pytest

from kubemr_shell.command.niceness import with_niceness
from kubemr_shell.errors import CommandNotStarted
from tests.command.attempts import Attempts

HIGHEST = 19
NICENESS = "cut -d ' ' -f 19 /proc/self/stat"
"""Shell: print the niceness, which is the 19th field (proc_pid_stat(5))."""


def ours() -> int:
    """Return the niceness of this thread."""
    return os.getpriority(os.PRIO_PROCESS, 0)


def test_a_command_and_what_it_starts_have_the_niceness_and_we_keep_ours(attempt: Attempts) -> None:
    before = ours()
    outcome = attempt(f'{NICENESS}; sh -c "{NICENESS} | cat" | cat', niceness=HIGHEST)
    assert (outcome.exit_status, attempt.stdout) == (0, b"19\n19\n")
    assert ours() == before


def test_a_list_has_the_niceness_too(attempt: Attempts) -> None:
    attempt(("cut", "-d", " ", "-f", "19", "/proc/self/stat"), niceness=HIGHEST)
    assert attempt.stdout == b"19\n"


def test_without_a_niceness_a_command_has_the_one_of_its_worker(attempt: Attempts) -> None:
    attempt(NICENESS)
    assert attempt.stdout == b"%d\n" % ours()


@pytest.mark.parametrize("lower", [0, 7, HIGHEST])
def test_no_niceness_lowers_the_one_of_the_worker(lower: int) -> None:
    assert with_niceness(HIGHEST, lambda: with_niceness(lower, ours)) == HIGHEST


def test_a_command_that_cannot_start_is_explained_with_any_niceness(attempt: Attempts) -> None:
    with pytest.raises(CommandNotStarted, match="'no-such-program' was not found"):
        attempt(("no-such-program",), niceness=HIGHEST)
    with pytest.raises(CommandNotStarted, match="cannot be executed"):
        attempt(("/usr",), niceness=HIGHEST)


def test_a_system_without_room_for_a_thread_is_asked_again(attempt: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    refused: list[threading.Thread] = []

    def crowded(thread: threading.Thread) -> None:
        if len(refused) < 3:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", crowded)
    attempt(NICENESS, niceness=HIGHEST)
    assert (attempt.stdout, len(refused)) == (b"19\n", 3)
