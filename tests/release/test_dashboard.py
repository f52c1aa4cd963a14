"""Tests of the dashboard for Grafana."""

from __future__ import annotations

import json
from typing import Any

import pytest

from release.dashboard import PANELS, Panel, dashboard
from tests.release.exported import exported_series, mistakes

SERIES = exported_series()


def with_variables(expression: str) -> str:
    """Return an expression after Grafana has put in the interval. The other variables stand inside of texts."""
    return expression.replace("$__rate_interval", "5m")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_shows_series_that_the_operator_exports(panel: Panel) -> None:
    assert mistakes(with_variables(panel.expression), SERIES) == []


def test_a_wrong_name_is_noticed() -> None:
    wrong = 'sum by (names) (rate(kubemr_failure_total{spacename="a"}[5m])) / kubemr_queue'
    assert mistakes(wrong, SERIES) == ["kubemr_failure_total", "names", "spacename"]


def test_every_metric_of_the_operator_is_on_the_dashboard() -> None:
    whole = "".join(panel.expression for panel in PANELS)
    ends = ("_bucket", "_count", "_sum")
    names = {name for name in SERIES if name.startswith("kubemr_") and not name.endswith(ends)}
    histograms = {name.removesuffix("_sum") for name in SERIES if name.endswith("_sum")}
    assert [name for name in names | histograms if name not in whole] == []


def test_panels_do_not_cover_each_other() -> None:
    places = [panel["gridPos"] for panel in json.loads(dashboard())["panels"]]
    fields = [(x, y) for one in places for x in columns(one) for y in range(one["y"], one["y"] + one["h"])]
    assert len(fields) == len(set(fields))
    assert max(x for x, _ in fields) < 24


def columns(place: dict[str, Any]) -> range:
    return range(place["x"], place["x"] + place["w"])
