"""Counters add up by group and name, and a job keeps a bounded number of them, each exact."""

from collections import Counter
from collections.abc import Iterable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.job.counters import Kept, negative, summed_counters, summed_first, summed_within


def test_counters_add_up_by_group_and_name() -> None:
    parts = [{"a": {"x": 1}}, {"a": {"x": 2, "y": -1}, "b": {"x": 5}}]
    assert summed_counters(parts) == {"a": {"x": 3, "y": -1}, "b": {"x": 5}}
    assert parts[0] == {"a": {"x": 1}}, "the parts stay what they were"


def test_what_was_added_can_be_taken_off_again() -> None:
    counted = {"a": {"x": 3, "y": -1}, "b": {"x": 5}}
    assert summed_counters([counted, negative(counted)]) == {"a": {"x": 0, "y": 0}, "b": {"x": 0}}


def test_a_sum_has_64_bits_and_wraps() -> None:
    most = (1 << 63) - 1
    assert summed_counters([{"g": {"n": most}}, {"g": {"n": 1}}]) == {"g": {"n": -(1 << 63)}}


def counted(names: Iterable[tuple[str, str]], amount: int = 1) -> Kept:
    counters: dict[str, dict[str, int]] = {}
    for group, name in names:
        counters.setdefault(group, {})[name] = amount
    return Kept(counters=counters)


def test_counters_within_the_bounds_are_all_kept() -> None:
    names = [("g", f"{number:04d}") for number in range(100)]
    assert summed_within([counted(names), counted(names)], most=100) == counted(names, 2)


@pytest.mark.parametrize("bounds", [{"most": 150}, {"most_bytes": 150 * 30}], ids=["number", "bytes"])
def test_the_first_by_name_are_kept_and_the_first_that_is_dropped_is_named(bounds: dict[str, int]) -> None:
    names = [(f"g{number % 3}", f"{number:04d}") for number in range(300)]
    kept = summed_within([counted(names)], **bounds)
    left = [(group, name) for group, of_group in kept.counters.items() for name in of_group]
    assert 100 < len(left) <= 150
    assert [*sorted(left), kept.dropped_from] == sorted(names)[: len(left) + 1]


NAMES = st.tuples(st.sampled_from(["", "a", "é", "zz"]), st.text("abé\x00", max_size=4))


@pytest.mark.lengthy
@given(
    shards=st.lists(st.dictionaries(NAMES, st.integers(-5, 5), max_size=12), max_size=8),
    lanes=st.integers(1, 4),
    most=st.integers(1, 10),
    most_bytes=st.integers(40, 400),
    data=st.data(),
)
def test_what_is_kept_is_exact_whatever_the_order_and_the_parts(
    shards: list[dict[tuple[str, str], int]], lanes: int, most: int, most_bytes: int, data: st.DataObject
) -> None:
    """Counters are added up as in a job: each closed shard adds to its lane, and the lanes are added up at the end."""
    kept = [Kept(counters={}) for _ in range(lanes)]
    for number in data.draw(st.permutations(range(len(shards)))):
        counters: dict[str, dict[str, int]] = {}
        for (group, name), amount in shards[number].items():
            counters.setdefault(group, {})[name] = amount
        lane = number % lanes
        kept[lane] = summed_within([kept[lane], Kept(counters=counters)], most=most, most_bytes=most_bytes)
    found = summed_within(kept, most=most, most_bytes=most_bytes)
    exact: Counter[tuple[str, str]] = Counter()
    for shard in shards:
        for pair, amount in shard.items():
            exact[pair] += amount
    names = sorted(name for shard in shards for name in shard)
    expected = {name for name in names if found.dropped_from is None or name < found.dropped_from}
    assert {(g, n): amount for g, of_group in found.counters.items() for n, amount in of_group.items()} == {
        name: exact[name] for name in expected
    }
    assert len(expected) <= most
    if found.dropped_from is not None:
        assert found.dropped_from in names


def test_the_sum_of_a_shard_keeps_the_first_counters_and_each_of_them_is_exact() -> None:
    """The parts come in any order, and a later part may hold a counter that was dropped before."""
    parts = [{"G": {"c": 1, "d": 1}}, {"G": {"a": 1, "b": 1}}, {"G": {"a": 1, "c": 5, "d": 7}}]
    for order in permutations(parts):
        assert summed_first(order, most=2) == {"G": {"a": 2, "b": 1}}
    assert summed_first(parts, most=4) == {"G": {"a": 2, "b": 1, "c": 6, "d": 8}}
