"""Tests that kustomize builds the manifests that ``kubemr-shell install`` writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from kubemr_shell.operator.install import NAME, InstallOptions, installation
from tests.release.helm import by_name
from tests.support.cluster import Cluster

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.cluster
def test_the_base_of_kustomize_is_what_the_command_writes(cluster: Cluster) -> None:
    built = list(yaml.safe_load_all(cluster.kubectl("kustomize", str(DEPLOY / "kustomize" / "base"))))
    assert by_name(built) == by_name(installation(InstallOptions()))


@pytest.mark.cluster
def test_the_overlay_for_one_namespace_is_accepted_in_any(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    kustomize = Path(os.path.relpath(DEPLOY / "kustomize", tmp_path.resolve()))
    layers = {
        "resources": [str(kustomize / "overlays" / "namespaced")],
        "components": [str(kustomize / name) for name in ("flow-control", "network-policy")],
        "namespace": namespace,
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(layers))
    text = cluster.kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", str(tmp_path))
    built = by_name(list(yaml.safe_load_all(text)))
    assert not {kind for kind, _ in built} & {"ClusterRoleBinding"}
    assert built["RoleBinding", f"kubemr-{NAME}"]["subjects"][0]["namespace"] == namespace
    assert "--namespace=$(KUBEMR_NAMESPACE)" in yaml.safe_dump(built["Deployment", NAME])
    assert "error" not in cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text).lower()
