"""Tests of the pod template of an installation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemr_shell.errors import UsageError
from kubemr_shell.kube.resources import BATCH_JOBS, PODS
from kubemr_shell.operator.install import InstallOptions, operator_arguments
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.worker_template import check_template, parsed_template, template_text
from tests.operator.observed import OPTIONS, STAMP, job, made, seen
from tests.support import installations
from tests.support.installations import Installation
from tests.support.waiting import until

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "data"}},
    "spec": {
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "batch"},
        "priorityClassName": "batch",
        "tolerations": [{"key": "batch", "operator": "Exists"}],
        "securityContext": {"runAsUser": 2000},
        "containers": [{"name": "worker", "resources": {"requests": {"cpu": "1"}}}],
    },
}
OF_ALL_PODS = ("imagePullSecrets", "nodeSelector", "priorityClassName", "tolerations")


def pod(*, deleted: bool = False, **spec: Any) -> dict[str, Any]:
    """Return the pod template of the workers of a job, or of its cleanup."""
    status = {"state": "FAIL" if deleted else "DEPLOYING", "startTime": STAMP, "turn": 4}
    options = replace(OPTIONS, worker_template=TEMPLATE)
    actions = reconcile(seen(job(status, deleted=deleted, **spec)), options).actions
    found: dict[str, Any] = made(actions, BATCH_JOBS)[0]["spec"]["template"]
    return found


@pytest.mark.parametrize("deleted", [False, True], ids=["workers", "cleanup"])
def test_all_pods_of_a_job_get_what_the_installation_says(deleted: bool) -> None:
    spec = pod(deleted=deleted)["spec"]
    assert {name: spec[name] for name in OF_ALL_PODS} == {name: TEMPLATE["spec"][name] for name in OF_ALL_PODS}
    assert spec["securityContext"]["runAsUser"] == 2000
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert pod(deleted=deleted)["metadata"]["labels"]["team"] == "data"


def test_workers_get_its_resources_and_a_cleanup_asks_for_little() -> None:
    requests = [pod(deleted=one)["spec"]["containers"][0]["resources"]["requests"]["cpu"] for one in (False, True)]
    assert requests == ["1", "50m"]


def test_the_template_of_a_job_wins_and_can_take_away() -> None:
    container = {"name": "worker", "resources": {"requests": {"cpu": "4"}}}
    asked = {"spec": {"nodeSelector": {"pool": "large"}, "priorityClassName": None, "containers": [container]}}
    spec = pod(template=asked)["spec"]
    assert spec["nodeSelector"] == {"pool": "large"}
    assert "priorityClassName" not in spec
    assert spec["imagePullSecrets"] == TEMPLATE["spec"]["imagePullSecrets"]
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == "4"


def test_the_operator_gets_the_template_that_was_installed() -> None:
    options = InstallOptions(operator=replace(OPTIONS, worker_template=TEMPLATE))
    [argument] = [one for one in operator_arguments(options) if one.startswith("--worker-template=")]
    assert parsed_template(argument.partition("=")[2]) == TEMPLATE
    assert parsed_template(template_text(TEMPLATE)) == TEMPLATE


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ([], "must be a mapping with metadata or spec"),
        ({"tolerations": []}, "tolerations is not a field of a pod template: put it below spec"),
        ({"spec": []}, "spec: must be a mapping"),
        ({"spec": {"containers": {"worker": {}}}}, "must be a list of containers with names"),
        ({"spec": {"containers": [{"name": "worker", "image": "mine"}]}}, "image of the container worker: must not"),
    ],
)
def test_a_template_that_could_not_be_meant_is_refused(template: object, why: str) -> None:
    with pytest.raises(UsageError, match=f"workers.yaml: .*{why}"):
        check_template(template, "workers.yaml")


def test_install_reads_it_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "workers.yaml").write_text(yaml.safe_dump(TEMPLATE))
    text = installations.install("--worker-template", str(tmp_path / "workers.yaml"))
    [deployment] = [one for one in yaml.safe_load_all(text) if one["kind"] == "Deployment"]
    [argument] = [one for one in deployment["spec"]["template"]["spec"]["containers"][0]["args"] if "template" in one]
    assert parsed_template(argument.partition("=")[2]) == TEMPLATE


@pytest.mark.cluster
def test_an_api_server_takes_the_pods(installation: Installation) -> None:
    without_class = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "priorityClassName": None}}
    installation.start_operator("--output-root", "s3://nowhere", "--worker-template", template_text(without_class))
    installation.deploy("words")
    client = installation.cluster.client

    def pods() -> list[dict[str, Any]]:
        return list(client.list(PODS, installation.namespace, labels="job-name=words")["items"])

    spec = until(pods, "its pod")[0]["spec"]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["nodeSelector"] == {"pool": "batch"}
    assert {"key": "batch", "operator": "Exists"} in spec["tolerations"]
