"""A newcomer reads one line for each reason for which tests were skipped, not one for each test."""

from __future__ import annotations

import pytest

from tests.support.skips import skip, summary


def skipped(text: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="tests/test_x.py::test_x",
        location=("tests/test_x.py", 1, "test_x"),
        keywords={},
        outcome="skipped",
        longrepr=("tests/test_x.py", 1, f"Skipped: {text}"),
        when="setup",
    )


def test_tests_are_counted_by_their_reason_and_the_most_frequent_is_first() -> None:
    assert summary(map(skipped, ["no disk", "no server", "no server"])) == [
        "SKIPPED [2] no server",
        "SKIPPED [1] no disk",
    ]


def test_a_reason_of_several_lines_becomes_one() -> None:
    assert summary([skipped("no server\n\nTraceback:\n  File x")]) == ["SKIPPED [1] no server Traceback: File x"]


def test_a_skip_names_what_is_missing_why_and_the_command_that_provides_it() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"^no tea \(the pot is empty\); to run them: make tea$"):
        skip("no tea", why="the pot is empty", command="make tea")
