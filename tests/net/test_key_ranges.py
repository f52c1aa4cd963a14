"""Tests of guesses of places where more keys may be. A guess may be wrong, but has to be after the last key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.net.key_ranges import places_after

KEYS = st.text("019AZaz-/_\n~é😀", max_size=8)


@pytest.mark.parametrize(
    ("first", "last", "until", "places"),
    [
        ("part-00000", "part-00099", "part-05", ["part-004", "part-008", "part-01", "part-02", "part-03", "part-04"]),
        ("2026-01-01/a", "2026-01-01/z", "2026-01-08", ["2026-01-05"]),
        ("a/1", "a/3", None, [*"cegikmoqsuwy"]),
        ("0a1", "2b3", None, ["e", "q"]),
        ("only", "only", None, []),
        ("part", "part-1", None, []),
    ],
)
def test_the_beginning_of_the_last_key_is_counted_on(
    first: str, last: str, until: str | None, places: list[str]
) -> None:
    assert places_after(first, last, prefix="", until=until) == places


def test_what_lies_before_the_prefix_is_not_looked_at() -> None:
    assert places_after("logs/1/a", "logs/1/z", prefix="logs/", until=None) == ["logs/5", "logs/9"]


@given(KEYS, KEYS, KEYS)
def test_places_are_in_order_and_between(one: str, other: str, until: str) -> None:
    first, last = sorted((one, other))
    for end in (None, until):
        places = places_after(first, last, prefix="", until=end)
        assert places == sorted(set(places))
        assert all(place > last and (end is None or place < end) for place in places)
