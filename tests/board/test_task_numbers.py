"""Tests of the text form of numbers by task."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.board.task_numbers import format_numbers, parse_numbers


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({}, ""),
        ({7: 65536}, "7:65536"),
        ({0: 1, 1: 1, 2: 1}, "0-2:1"),
        ({0: 1, 1: 2, 2: 2, 4: 2}, "0:1,1-2:2,4:2"),
    ],
)
def test_neighbours_with_one_number_are_one_run(numbers: dict[int, int], text: str) -> None:
    assert format_numbers(numbers) == text
    assert parse_numbers(text) == numbers


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 3)))
def test_what_is_written_is_read(numbers: dict[int, int]) -> None:
    text = format_numbers(numbers)
    assert parse_numbers(text) == numbers
    assert format_numbers(dict(reversed(numbers.items()))) == text, "one text for each"


def test_a_shard_whose_tasks_were_all_taken_over_stays_small() -> None:
    assert len(format_numbers(dict.fromkeys(range(1000), 1))) < 10
