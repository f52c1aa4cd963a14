"""Tests of the table of the chart's values, and of the files that are made from the table."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import yaml

from kubemr_shell.operator.install import RESOURCES, InstallOptions
from release.chart_values import VALUES, values_schema, values_table, values_yaml

GIVEN: dict[str, Any] = yaml.safe_load(values_yaml())


def test_the_file_of_values_has_each_default() -> None:
    for value in VALUES:
        found: Any = GIVEN
        for name in value.path.split("."):
            found = found[name]
        assert found == value.default, value.path


def test_the_defaults_fit_the_schema() -> None:
    jsonschema.validate(GIVEN, json.loads(values_schema()))


def test_the_defaults_are_those_of_the_command() -> None:
    assert GIVEN["replicas"] == InstallOptions().replicas
    assert GIVEN["resources"] == RESOURCES
    assert [GIVEN[group]["enabled"] for group in ("networkPolicy", "serviceMonitor")] == [False, False]


def test_every_value_is_in_the_table_of_the_page() -> None:
    assert [value.path for value in VALUES if f"| `{value.path}` |" not in values_table()] == []
