"""Tests that docs/operations.md names all messages of the operator, and that its examples are valid."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemr_shell.board.retrying import Refusal
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous
from kubemr_shell.kube.resources import PODS
from kubemr_shell.kube.status import STARTING, Condition
from kubemr_shell.operator.operator import Operator
from kubemr_shell.operator.options import OperatorOptions
from tests.support.cluster import Cluster
from tests.support.installations import Installation
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
EXAMPLES = {
    one["metadata"]["name"]: one for one in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
}
CODE = {path.stem: path.read_text() for path in sorted((ROOT / "kubemr_shell" / "operator").glob("*.py"))}
DECISIONS = "".join(
    CODE[name] for name in ("conditions", "deletion", "hindrance", "obstacles", "pods", "reconcile", "report")
)


def metric_names() -> set[str]:
    """Return the names of all metrics of an operator, from the help lines of its metrics."""
    client = KubeClient(anonymous("http://127.0.0.1:9"), "here")
    operator = Operator(client, OperatorOptions(), identity="test", now=lambda: 0.0)
    return set(re.findall(r"# HELP (\w+) ", operator.metrics_text().decode()))


def test_every_metric_is_explained() -> None:
    metrics = {name for name in metric_names() if name.startswith("kubemr_")}
    assert metrics
    assert {name for name in metrics if f"`{name}" not in PAGE} == set()
    kinds = set(re.findall(r'\.done\("(\w+)"\)', CODE["operator"] + CODE["metrics"]))
    assert kinds
    assert {kind for kind in kinds if f"`{kind}`" not in PAGE} == set()


def test_every_condition_and_every_reason_is_explained() -> None:
    conditions = {kind.value for kind in Condition}
    reasons = set(re.findall(r'(?:reason=|"kind": |True, |False, )"([A-Z]\w+)"', DECISIONS))
    reasons |= {STARTING, *(refusal.value for refusal in Refusal)}
    reasons |= set(
        re.findall(r'^[A-Z_]+ = "([A-Z]\w+)"$', CODE["obstacles"] + CODE["hindrance"] + CODE["deletion"], re.MULTILINE)
    )
    assert {"CleanupWaits", "NodeLost", "NameTaken", "OOMKilled", "OutputInUse", "Retried", "Starting"} <= reasons
    assert {word for word in conditions | reasons if f"`{word}`" not in PAGE} == set()


def test_every_flag_of_install_is_explained() -> None:
    flags = set(re.findall(r'"(--[a-z0-9-]+)"', (ROOT / "kubemr_shell" / "cli" / "install.py").read_text()))
    assert {flag for flag in flags if f"`{flag}" not in PAGE} == set()


@pytest.mark.cluster
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_api_server_takes_each_example(cluster: Cluster, namespace: str, name: str) -> None:
    said = cluster.kubectl("-n", namespace, "apply", "--dry-run=server", "-f", "-", stdin=json.dumps(EXAMPLES[name]))
    assert "created (server dry run)" in said


def pod_of(installation: Installation, job: str) -> dict[str, Any]:
    """Wait for a pod of a job and return its spec."""

    def found() -> list[dict[str, Any]]:
        pods = installation.cluster.client.list(PODS, installation.namespace, labels=f"job-name={job}")
        return list(pods["items"])

    spec: dict[str, Any] = until(found, f"{job} has pods")[0]["spec"]
    return spec


@pytest.mark.cluster
def test_pods_get_the_token_and_the_resources_of_the_examples(installation: Installation) -> None:
    installation.start_operator("--output-root", "s3://nowhere")
    for name in ("with-a-role", "sized"):
        installation.cluster.apply(EXAMPLES[name], namespace=installation.namespace)
    sized, role = pod_of(installation, "sized"), pod_of(installation, "with-a-role")
    assert sized["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "40Gi"
    assert {"name": "scratch", "emptyDir": {"sizeLimit": "50Gi"}} in sized["volumes"]
    assert role["serviceAccountName"] == "kubemr-with-a-role"
    given = {one["name"]: one.get("value") for one in role["containers"][0]["env"]}
    assert given["AWS_WEB_IDENTITY_TOKEN_FILE"] == "/var/run/aws/token"
    source = next(one for one in role["volumes"] if one["name"] == "aws")["projected"]["sources"][0]
    assert source["serviceAccountToken"]["audience"] == "sts.amazonaws.com"
