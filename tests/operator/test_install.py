"""Tests of the manifests of an installation, also with a real API server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml

from kubemr_shell.errors import EXIT_INTERRUPTED
from kubemr_shell.kube.resources import NAMESPACES
from kubemr_shell.operator.install import NAME, InstallOptions, installation, operator_arguments, yaml_text
from kubemr_shell.operator.manifests import account_name
from kubemr_shell.operator.options import OperatorOptions
from tests.support.cluster import Cluster
from tests.support.installations import NO_IMAGE, Installation, applied, install
from tests.support.waiting import until

FULL = InstallOptions(
    operator=OperatorOptions(
        namespace="jobs",
        image="registry/base:1",
        output_root="s3://results",
        s3_endpoint="https://s3",
        s3_region="r1",
        s3_secret="keys",
        worker_template={"spec": {"nodeSelector": {"pool": "$(HOME)"}}},
    ),
    operator_namespace="ops",
    replicas=3,
    flow_control=True,
    job_policy=True,
    network_policy=True,
    service_monitor=True,
)
CLUSTER_WIDE = InstallOptions(flow_control=True, job_policy=True)
SCOPES = pytest.mark.parametrize("options", [FULL, CLUSTER_WIDE], ids=["namespaced", "cluster-wide"])


def of_kind(options: InstallOptions, kind: str) -> dict[str, Any]:
    found = [one for one in installation(options) if one["kind"] == kind]
    assert len(found) == 1
    return found[0]


def kinds(options: InstallOptions) -> list[str]:
    return [one["kind"] for one in installation(options)]


@SCOPES
def test_what_others_need_comes_first(options: InstallOptions) -> None:
    found = kinds(options)
    assert found.index("ServiceAccount") < found.index("Deployment")
    assert max(n for n, kind in enumerate(found) if kind == "CustomResourceDefinition") < found.index("Deployment")


@SCOPES
def test_no_namespace_is_part_of_an_installation(options: InstallOptions) -> None:
    """With a namespace among them, kubectl would change its labels, and delete it with everything in it."""
    assert "Namespace" not in kinds(options)


def test_an_installation_for_one_namespace_has_no_rights_elsewhere() -> None:
    assert "ClusterRoleBinding" not in kinds(FULL)
    assert [of_kind(FULL, kind)["metadata"]["namespace"] for kind in ("Role", "RoleBinding")] == ["jobs", "jobs"]
    bindings = [one for one in installation(FULL) if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert len(bindings) == 2
    for binding in bindings:
        selector = binding["spec"]["matchResources"]["namespaceSelector"]
        assert selector == {"matchLabels": {"kubernetes.io/metadata.name": "jobs"}}


def test_two_installations_have_different_names_in_the_cluster() -> None:
    def names(options: InstallOptions) -> set[tuple[str, str]]:
        whole = (one for one in installation(options) if "namespace" not in one["metadata"])
        return {(one["kind"], one["metadata"]["name"]) for one in whole}

    shared = names(FULL) & names(CLUSTER_WIDE)
    assert {kind for kind, _ in shared} == {"CustomResourceDefinition"}


def test_no_job_is_called_so_that_its_workers_get_the_operators_account() -> None:
    assert not NAME.startswith(account_name(""))


def test_the_operator_is_told_what_was_chosen() -> None:
    assert operator_arguments(FULL) == [
        "operator",
        "--port=8080",
        "--pod=$(KUBEMR_NAMESPACE)/$(KUBEMR_POD)",
        "--namespace=jobs",
        "--image=registry/base:1",
        "--output-root=s3://results",
        "--s3-endpoint=https://s3",
        "--s3-region=r1",
        "--s3-secret=keys",
        '--worker-template={"spec":{"nodeSelector":{"pool":"$$(HOME)"}}}',
    ]
    assert of_kind(FULL, "Deployment")["spec"]["replicas"] == 3


def test_the_operator_takes_the_arguments_that_it_is_given() -> None:
    """The operator accepts its arguments, and then fails because it finds no API server of a pod."""
    command = [sys.executable, "-m", "kubemr_shell", *operator_arguments(FULL)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"HOME": "/", "PATH": ""})
    assert done.returncode not in (0, EXIT_INTERRUPTED)
    assert "this is no pod with a service account" in done.stderr


@SCOPES
def test_the_text_holds_all_of_it_and_refers_to_nothing(options: InstallOptions) -> None:
    text = yaml_text(installation(options))
    assert list(yaml.safe_load_all(text)) == installation(options)
    assert not [line for line in text.splitlines() if line.endswith(": &id001") or " *id0" in line]


def test_the_command_writes_the_same() -> None:
    text = install(
        *("--operator-namespace", "ops", "--namespace", "jobs", "--replicas", "3"),
        *("--flow-control", "--job-policy", "--network-policy", "--service-monitor"),
    )
    assert [one["kind"] for one in yaml.safe_load_all(text)] == kinds(FULL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--namespace", "Jobs"], "--namespace Jobs: a namespace has"),
        (["--operator-namespace", "a" * 41], "a namespace has up to 40"),
        (["--output-root", "/data"], "--output-root /data: must begin with s3://"),
    ],
)
def test_what_no_server_would_take_is_refused_at_once(arguments: list[str], message: str) -> None:
    command = [sys.executable, "-m", "kubemr_shell", "install", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.cluster
def test_kubectl_applies_an_installation_for_all_namespaces_in_one_go(cluster: Cluster) -> None:
    """A second application changes nothing. No operator runs: it would look after the jobs of other tests."""
    with cluster.namespace() as name, applied(cluster, cluster_wide(name)) as said:
        text = cluster_wide(name)
        assert f"deployment.apps/{NAME} created" in said
        assert cluster.kubectl("diff", "-f", "-", stdin=text) == ""
        account = f"system:serviceaccount:{name}:{NAME}"
        assert cluster.kubectl("auth", "can-i", "list", "mapreducejobs", "-A", f"--as={account}").strip() == "yes"
        policy = json.loads(
            until(
                lambda: _checked(cluster.kubectl("get", "validatingadmissionpolicy", f"{name}-{NAME}", "-o", "json")),
                "the policy is checked",
            )
        )
        assert policy["status"]["typeChecking"] == {}


def cluster_wide(operator_namespace: str) -> str:
    place = ("--operator-namespace", operator_namespace)
    return install(*place, "--image", NO_IMAGE, "--replicas", "0", "--flow-control")


def _checked(text: str) -> str:
    return text if "typeChecking" in json.loads(text).get("status", {}) else ""


@pytest.mark.cluster
def test_installing_changes_nothing_of_a_namespace_that_is_there(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("label", "namespace", namespace, "whose=theirs")
    before = cluster.client.get(NAMESPACES, None, namespace)["metadata"]
    with applied(cluster, cluster_wide(namespace)):
        after = cluster.client.get(NAMESPACES, None, namespace)["metadata"]
        assert {key: after[key] for key in ("uid", "labels")} == {key: before[key] for key in ("uid", "labels")}


@pytest.mark.cluster
def test_its_pods_run_where_only_restricted_ones_may(installation: Installation) -> None:
    restricted = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    installation.cluster.client.patch(NAMESPACES, None, installation.operator_namespace, restricted)
    deployment = json.loads(
        installation.cluster.kubectl("-n", installation.operator_namespace, "get", "deployment", NAME, "-o", "json")
    )
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "try"},
        "spec": deployment["spec"]["template"]["spec"],
    }
    dry = ("-n", installation.operator_namespace, "create", "--dry-run=server", "-f", "-")
    assert "pod/try created" in installation.cluster.kubectl(*dry, stdin=json.dumps(pod))
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert "violates PodSecurity" in installation.cluster.kubectl(*dry, stdin=json.dumps(pod), check=False)


@pytest.mark.cluster
def test_who_may_edit_a_namespace_may_make_jobs_and_write_no_shards(installation: Installation) -> None:
    cluster, namespace = installation.cluster, installation.namespace
    cluster.kubectl("-n", namespace, "create", "rolebinding", "editor", "--clusterrole=edit", "--user=ann")

    def may(*right: str) -> bool:
        answer = cluster.kubectl("-n", namespace, "auth", "can-i", *right, "--as=ann", check=False)
        return answer.strip() == "yes"

    until(lambda: may("create", "mapreducejobs"), "the role is added to edit")
    assert may("get", "taskshards")
    assert not may("patch", "mapreducejobs", "--subresource=status")
    assert not any(may(verb, "taskshards") for verb in ("create", "patch", "delete"))


def test_a_dollar_in_an_option_is_no_variable() -> None:
    documents = yaml.safe_load_all(install("--output-root", "s3://results/$(HOME)"))
    (deployment,) = (one for one in documents if one["kind"] == "Deployment")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--output-root=s3://results/$$(HOME)" in arguments
