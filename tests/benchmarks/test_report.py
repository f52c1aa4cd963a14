"""Ratios pair by pair, verdicts, and the table."""

from __future__ import annotations

import pytest

from benchmarks import report
from benchmarks.contenders import Contender
from benchmarks.format_workloads import FORMAT_WORKLOADS
from benchmarks.workloads import WORKLOADS, Metric, Target, Workload


def result(values: dict[str, list[float]], *targets: Target) -> report.Result:
    workload = Workload(
        name="w",
        source=("one-line", 1),
        contenders=(Contender(name="a", shell=":"), Contender(name="b", shell=":"), Contender(name="c", shell=":")),
        targets=targets,
    )
    return report.Result(workload=workload, title="w", values=values, notes=("d is left out",))


def test_a_ratio_is_taken_within_its_round() -> None:
    assert report.ratios({"a": [1.0, 4.0], "b": [2.0, 2.0]}, "a", ["b"]) == [0.5, 2.0]


def test_a_ratio_against_several_takes_the_fastest_of_the_round() -> None:
    assert report.ratios({"a": [6.0, 6.0], "b": [2.0, 3.0], "c": [3.0, 2.0]}, "a", ["b", "c"]) == [3.0, 3.0]


def test_who_ran_once_is_compared_with_the_first_round() -> None:
    assert report.ratios({"a": [6.0, 7.0], "b": [2.0]}, "a", ["b"]) == [3.0]


def test_who_is_left_out_is_not_compared() -> None:
    assert report.ratios({"a": [6.0], "b": [], "c": [2.0]}, "a", ["b", "c"]) == [3.0]
    assert report.ratios({"a": [6.0]}, "a", ["b"]) == []


@pytest.mark.parametrize(
    ("at_most", "against", "measured", "word"),
    [
        (2.0, ("b",), 2.0, "pass"),
        (1.9, ("b",), 2.0, "MISS"),
        (4.0, (), 4.0, "pass"),
        (3.9, (), 4.0, "MISS"),
        (3.9, ("nobody",), None, "not measured"),
    ],
)
def test_a_target_is_met_by_the_median(
    at_most: float, against: tuple[str, ...], measured: float | None, word: str
) -> None:
    target = Target(text="t", at_most=at_most, against=against, subject="a")
    (verdict,) = report.verdicts(result({"a": [4.0, 8.0, 2.0], "b": [2.0, 4.0, 2.0]}, target))
    assert verdict.measured == measured
    assert verdict.word == word


def test_the_table_shows_values_ratios_notes_and_verdicts() -> None:
    target = Target(text="at most twice b", at_most=2.0, against=("b",), subject="a")
    table = report.table([result({"a": [4.0, 2.0], "b": [1.0, 1.0]}, target)])
    assert "3.00 s" in table
    assert "2.00 - 4.00" in table
    assert "d is left out" in table
    assert "MISS" in table


def test_values_are_shown_with_units_that_fit() -> None:
    assert report.show(2.5, Metric.SECONDS) == "2.50 s"
    assert report.show(0.00125, Metric.SECONDS) == "1.25 ms"
    assert report.show(256 << 20, Metric.PEAK) == "256 MiB"
    assert report.show(1.3, None) == "1.30x"


def test_targets_name_contenders_that_exist() -> None:
    for workload in (*WORKLOADS, *FORMAT_WORKLOADS):
        names = {contender.name for contender in workload.contenders}
        assert len(names) == len(workload.contenders)
        for target in workload.targets:
            assert {target.subject, *target.against} <= names, target
