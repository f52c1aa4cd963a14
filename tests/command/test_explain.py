"""Tests of the words for the end of a command."""

from __future__ import annotations

import pytest

from kubemr_shell.command.explain import explain


@pytest.mark.parametrize(
    ("exit_status", "signal_number", "head", "meaning"),
    [
        (0, None, "exit status 0: ", "okExitCodes does not list 0"),
        (1, None, "exit status 1: ", "okExitCodes: [0, 1] (--ok-exit-code 0 --ok-exit-code 1)"),
        (2, None, "exit status 2: ", "usage"),
        (126, None, "exit status 126: ", "execute bit"),
        (127, None, "exit status 127: ", "not found"),
        (130, None, "exit status 130: SIGINT inside the command: ", "interrupted"),
        (137, None, "exit status 137: SIGKILL inside the command: ", "too much memory"),
        (139, None, "exit status 139: SIGSEGV inside the command: ", "bug"),
        (141, None, "exit status 141: SIGPIPE inside the command: ", "no process reads"),
        (143, None, "exit status 143: SIGTERM inside the command: ", "asked to stop"),
        (None, 9, "killed by SIGKILL: ", "too much memory"),
        (None, 11, "killed by SIGSEGV: ", "bug"),
    ],
)
def test_a_known_end_is_named_and_explained(
    exit_status: int | None, signal_number: int | None, head: str, meaning: str
) -> None:
    text = explain(exit_status, signal_number)
    assert text.startswith(head)
    assert meaning in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("exit_status", "signal_number", "text"),
    [
        (3, None, "exit status 3"),
        (128, None, "exit status 128"),
        (255, None, "exit status 255"),
        (None, 10, "killed by SIGUSR1"),
        (None, 40, "killed by signal 40"),
        (168, None, "exit status 168: signal 40 inside the command"),
    ],
)
def test_other_ends_are_told_as_they_are(exit_status: int | None, signal_number: int | None, text: str) -> None:
    assert explain(exit_status, signal_number) == text
