"""Counters add up by group and name."""

from kubemr_shell.job.counters import negative, summed_counters


def test_counters_add_up_by_group_and_name() -> None:
    parts = [{"a": {"x": 1}}, {"a": {"x": 2, "y": -1}, "b": {"x": 5}}]
    assert summed_counters(parts) == {"a": {"x": 3, "y": -1}, "b": {"x": 5}}
    assert parts[0] == {"a": {"x": 1}}, "the parts stay what they were"


def test_what_was_added_can_be_taken_off_again() -> None:
    counted = {"a": {"x": 3, "y": -1}, "b": {"x": 5}}
    assert summed_counters([counted, negative(counted)]) == {"a": {"x": 0, "y": 0}, "b": {"x": 0}}
