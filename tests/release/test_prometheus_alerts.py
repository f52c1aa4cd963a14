"""Tests of the example alerts in deploy/prometheus-alerts.yaml."""

from __future__ import annotations

import re
from typing import Any

import promql_parser
import pytest
import yaml

from tests.release.exported import exported_series, mistakes
from tests.release.helm import ROOT

[GROUP] = yaml.safe_load((ROOT / "deploy" / "prometheus-alerts.yaml").read_text())["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@RULE
def test_an_alert_watches_series_that_the_operator_exports(rule: dict[str, Any]) -> None:
    assert mistakes(rule["expr"], exported_series()) == []


@RULE
def test_an_alert_waits_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert promql_parser.parse_duration(rule["for"]).total_seconds() >= 60
    assert set(rule["annotations"]) == {"summary", "description"}


@RULE
def test_a_message_names_labels_that_the_expression_keeps(rule: dict[str, Any]) -> None:
    kept = set(re.findall(r"by \((\w+)\)", rule["expr"]))
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= kept
