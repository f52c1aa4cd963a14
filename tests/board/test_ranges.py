"""Tests of ranges as sets of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.board.ranges import Ranges

numbers = st.frozensets(st.integers(0, 40))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", []), ("7", [7]), ("0-3", [0, 1, 2, 3]), ("0-1,3", [0, 1, 3]), ("5,7-8", [5, 7, 8])],
)
def test_text_is_read_and_written_the_same(text: str, expected: list[int]) -> None:
    assert list(Ranges.parse(text)) == expected
    assert str(Ranges.parse(text)) == text


@given(numbers)
def test_a_set_survives_its_text(values: frozenset[int]) -> None:
    ranges = Ranges.of(values)
    assert Ranges.parse(str(ranges)) == ranges
    assert set(ranges) == values
    assert list(ranges) == sorted(values)
    assert len(ranges) == len(values)
    assert bool(ranges) == bool(values)


@given(numbers, numbers)
def test_operations_are_those_of_sets(left: frozenset[int], right: frozenset[int]) -> None:
    """Equal sets are equal values too, because the patch compares them to find the changes."""
    one, other = Ranges.of(left), Ranges.of(right)
    assert one | other == Ranges.of(left | right)
    assert one - other == Ranges.of(left - right)
    assert one & other == Ranges.of(left & right)
    assert all((number in one) == (number in left) for number in range(42))


@given(numbers, st.integers(-1, 45))
def test_first_and_last_take_from_the_ends(values: frozenset[int], count: int) -> None:
    ranges, wanted = Ranges.of(values), max(0, count)
    assert list(ranges.first(count)) == sorted(values)[:wanted]
    assert list(ranges.last(wanted)) == sorted(values)[max(0, len(values) - wanted) :]


def test_a_span_ends_before_its_end() -> None:
    assert str(Ranges.span(2, 5)) == "2-4"
    assert Ranges.span(5, 5) == Ranges()
