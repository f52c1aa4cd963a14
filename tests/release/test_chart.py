"""Tests that Helm renders the chart to the manifests that ``kubemr-shell install`` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemr_shell import __version__
from kubemr_shell.operator.install import NAME, definitions
from release.chart import chart_files
from release.chart_values import BY_PATH
from tests.release.helm import CHART, KUBERNETES, Documents, attempt, by_name, helm, render
from tests.support.installations import install, without_definitions

LABELS = {
    "app.kubernetes.io/instance": "mine",
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": f"kubemr-{__version__}",
}
"""The labels that only the chart has."""
TEMPLATE = {"spec": {"nodeSelector": {"pool": "$(HOME) 'a'"}}}
PLACEMENT = {
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "true"},
    "tolerations": [{"key": "batch", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
    "priorityClassName": "high",
}
EVERYTHING = {
    "namespace": "123",
    "image": "registry.example:5000/kubemr/base@sha256:0123",
    "outputRoot": "s3://results/$(HOME)/{namespace}/'{name}'",
    "s3": {"endpoint": "https://s3.example", "region": "r1", "secret": "keys"},
    "workerTemplate": TEMPLATE,
    "jobTtl": 0,
    "podTtl": 10_000_000,
    "stalledAfter": 900,
    "logFormat": "json",
    "replicas": 3,
    "flowControl": True,
    "jobPolicy": True,
    "resources": {"limits": {"memory": "1Gi"}},
    **PLACEMENT,
    "podAnnotations": {"mesh/inject": "false"},
    "serviceAccountAnnotations": {"role": "arn:1"},
    "podDisruptionBudget": {"enabled": True, "maxUnavailable": "50%"},
    "networkPolicy": {"enabled": True, "ingress": [], "egress": [{"ports": [{"port": 16443}]}]},
    "serviceMonitor": {"enabled": True, "interval": "30s", "labels": {"release": "prometheus"}},
}


def paths(mapping: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Yield the path of each value of the chart that a values file sets."""
    for name, value in mapping.items():
        if before + name in BY_PATH:
            yield before + name
        else:
            yield from paths(value, f"{before}{name}.")


def at(path: str) -> Any:
    """Return a value of EVERYTHING."""
    found: Any = EVERYTHING
    for name in path.split("."):
        found = found[name]
    return found


def options(folder: Path) -> list[str]:
    """Return the options of ``kubemr-shell install`` that mean the same as EVERYTHING."""
    file = folder / "template.yaml"
    file.write_text(json.dumps(TEMPLATE))
    given = {value.option: at(path) for path, value in BY_PATH.items() if value.option} | {"--worker-template": file}
    return [text for option, value in given.items() for text in ([option] if value is True else [option, str(value)])]


def without_labels(documents: Documents) -> Documents:
    """Remove the labels that only the chart has. Each object must have them."""
    for document in documents.values():
        holders = [document["metadata"]]
        if document["kind"] == "Deployment":
            holders.append(document["spec"]["template"]["metadata"])
        for holder in holders:
            assert {name: holder["labels"].pop(name) for name in LABELS} == LABELS
    return documents


def installed(*arguments: str) -> Documents:
    text = without_definitions(install("--operator-namespace", "ops", *arguments))
    return by_name(list(yaml.safe_load_all(text)))


def rendered(values: Mapping[str, Any], folder: Path) -> Documents:
    return without_labels(by_name(list(yaml.safe_load_all(render(values, folder)))))


def test_helm_finds_nothing_wrong_with_the_chart() -> None:
    done = helm("lint", "--strict", *KUBERNETES, str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_defaults_give_what_the_command_writes(tmp_path: Path) -> None:
    assert rendered({}, tmp_path) == installed()


def test_every_value_gives_what_the_command_writes_with_the_same_options(tmp_path: Path) -> None:
    assert set(paths(EVERYTHING)) == set(BY_PATH), "every value of the chart must be tested here"
    expected = installed(*options(tmp_path))
    deployment = expected["Deployment", NAME]["spec"]["template"]
    deployment["metadata"]["annotations"] = EVERYTHING["podAnnotations"]
    deployment["spec"] |= PLACEMENT
    deployment["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Gi"
    expected["ServiceAccount", NAME]["metadata"]["annotations"] = EVERYTHING["serviceAccountAnnotations"]
    expected["PodDisruptionBudget", NAME]["spec"]["maxUnavailable"] = "50%"
    traffic = expected["NetworkPolicy", NAME]["spec"]
    del traffic["ingress"]  # the policy type stays, so nothing may come in
    traffic["egress"] = at("networkPolicy.egress")
    monitor = expected["ServiceMonitor", NAME]
    monitor["metadata"]["labels"]["release"] = "prometheus"
    monitor["spec"]["endpoints"][0]["interval"] = "30s"
    assert rendered(EVERYTHING, tmp_path) == expected


def test_the_budget_can_be_left_out(tmp_path: Path) -> None:
    expected = installed()
    del expected["PodDisruptionBudget", NAME]
    assert rendered({"podDisruptionBudget": {"enabled": False}}, tmp_path) == expected


def test_the_chart_brings_the_definitions(tmp_path: Path) -> None:
    whole = list(yaml.safe_load_all(render({}, tmp_path, "--include-crds")))
    found = by_name([one for one in whole if one["kind"] == "CustomResourceDefinition"])
    assert found == by_name(json.loads(json.dumps(definitions())))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"outputroot": "s3://results"}, "additional properties 'outputroot' not allowed"),
        ({"s3": {"secretName": "keys"}}, "additional properties 'secretName' not allowed"),
        ({"workerTemplate": {"tolerations": []}}, "additional properties 'tolerations' not allowed"),
        ({"jobTtl": "3600"}, "at '/jobTtl': got string"),
        ({"replicas": -1}, "at '/replicas'"),
        ({"namespace": "Jobs"}, "at '/namespace'"),
        ({"outputRoot": "/data"}, "at '/outputRoot'"),
        ({"logFormat": "xml"}, "at '/logFormat'"),
    ],
)
def test_helm_refuses_a_wrong_value_by_its_name(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    done = attempt(values, tmp_path)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_chart_that_uses_this_chart_may_share_values_with_it(tmp_path: Path) -> None:
    assert rendered({"global": {"imageRegistry": "registry.example"}}, tmp_path) == installed()


def test_every_value_is_used_and_every_one_used_is_there() -> None:
    used = {
        name.removeprefix(".Values.")
        for template in (CHART / "templates").iterdir()
        for name in re.findall(r"\.Values\.[A-Za-z0-9.]+", template.read_text())
    }
    assert used == set(BY_PATH)


def test_a_template_opens_what_it_closes() -> None:
    for path, text in chart_files().items():
        if "/templates/" in path:
            opened = len(re.findall(r"\{\{-? (?:if|with) ", text))
            assert opened == len(re.findall(r"\{\{-? end ", text)), path
