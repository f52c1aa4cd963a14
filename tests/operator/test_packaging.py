"""Tests that deploy/ has the same manifests as the command writes, for kustomize and for Helm.

The tests do not need Helm. ``make check`` checks that the files are up to date.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemr_shell.operator.install import NAME, RESOURCES, InstallOptions, installation
from kubemr_shell.operator.packaging import deploy_files
from tests.cluster import Cluster

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm" / "kubemr"

Key = tuple[str, str]


def by_name(documents: list[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in documents}


def values(mapping: dict[str, Any], path: str = "") -> set[str]:
    """Return the paths of all values in ``mapping``, the content of a values file."""
    nested = {name for name in mapping if isinstance(mapping[name], dict) and mapping[name] and name != "resources"}
    found = {path + name for name in mapping if name not in nested}
    return found.union(*(values(mapping[name], f"{path}{name}.") for name in nested))


def test_every_value_of_the_chart_is_used_and_every_one_used_is_there() -> None:
    used = {
        name.removeprefix(".Values.")
        for template in (CHART / "templates").iterdir()
        for name in re.findall(r"\.Values\.[A-Za-z0-9.]+", template.read_text())
    }
    assert used == values(yaml.safe_load((CHART / "values.yaml").read_text()))


def test_the_values_are_the_defaults_of_the_command() -> None:
    given = yaml.safe_load((CHART / "values.yaml").read_text())
    options = InstallOptions()
    assert given["replicas"] == options.replicas
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert f"kubemr/base:{version}" == options.operator.image
    assert given["image"] == ""
    assert given["resources"] == RESOURCES


def test_a_template_opens_what_it_closes() -> None:
    for path, text in deploy_files().items():
        if "/templates/" in path:
            opened = len(re.findall(r"\{\{-? (?:if|with) ", text))
            assert opened == len(re.findall(r"\{\{-? end ", text)), path


def test_no_word_in_capitals_is_left_in_a_template() -> None:
    for path, text in deploy_files().items():
        assert not re.search(r"\b(RELEASE|JOB|POD|STALLED|LOG|OUTPUT|S3)-[A-Z]+\b|\bIMAGE\b", text), path


@pytest.mark.cluster
def test_the_base_of_kustomize_is_what_the_command_writes(cluster: Cluster) -> None:
    built = list(yaml.safe_load_all(cluster.kubectl("kustomize", str(DEPLOY / "kustomize" / "base"))))
    assert by_name(built) == by_name(installation(InstallOptions()))


@pytest.mark.cluster
def test_the_overlay_for_one_namespace_is_accepted_in_any(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    kustomize = Path(os.path.relpath(DEPLOY / "kustomize", tmp_path.resolve()))
    layers = {
        "resources": [str(kustomize / "overlays" / "namespaced")],
        "components": [str(kustomize / "flow-control")],
        "namespace": namespace,
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(layers))
    text = cluster.kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", str(tmp_path))
    built = by_name(list(yaml.safe_load_all(text)))
    assert not {kind for kind, _ in built} & {"ClusterRoleBinding"}
    assert built["RoleBinding", f"kubemr-{NAME}"]["subjects"][0]["namespace"] == namespace
    assert "--namespace=$(KUBEMR_NAMESPACE)" in yaml.safe_dump(built["Deployment", NAME])
    assert "error" not in cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text).lower()
