"""Tests of the policy for jobs: which writes of which users an API server refuses, and why."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from kubemr_shell.errors import Forbidden
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import ADMISSION_POLICIES, JOBS, POLICIES, SERVICE_ACCOUNTS
from kubemr_shell.operator.deletion import FINALIZER
from kubemr_shell.operator.install import InstallOptions, cluster_name, installation
from tests.support.cluster import Cluster
from tests.support.installations import NO_IMAGE, applied, install, refused
from tests.support.waiting import until

PARAMETERS = {
    "template": "ByRight",
    "secrets": ["s3", "team-*"],
    "outputs": ["s3://results/{namespace}/", "s3://shared/exports"],
}
TEMPLATE = {"spec": {"nodeSelector": {"pool": "batch"}}}


def test_it_is_off_by_default() -> None:
    names = [one["metadata"]["name"] for one in installation(InstallOptions())]
    assert not [name for name in names if name.endswith(("-jobs", "-template"))]


class Stage:
    """A stage: a namespace under the policy, and a user with only the permissions of the role ``-edit``."""

    def __init__(self, cluster: Cluster, namespace: str, operator_namespace: str, user: KubeClient) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.operator_namespace = operator_namespace
        self.user = user

    def say(self, end: str, **spec: Any) -> str:
        """Create a JobPolicy, for this namespace unless the spec names others, and return its name."""
        name = f"{self.operator_namespace}-{end}"
        whole = {"namespaces": [self.namespace], **spec}
        self.cluster.client.create(POLICIES, None, {"metadata": {"name": name}, "spec": whole})
        return name

    def submit(self, **spec: Any) -> dict[str, Any]:
        whole = {"inputs": ["s3://none/none"], "mapCommand": "cat", **spec}
        document = {"metadata": {"name": f"job-{uuid.uuid4().hex[:8]}"}, "spec": whole}
        return self.user.create(JOBS, self.namespace, document)

    def refusal(self, **spec: Any) -> str:
        return refused(lambda: self.submit(**spec))

    def until_refused(self, **spec: Any) -> None:
        until(lambda: self.refusal(**spec).startswith(Forbidden.__name__), f"{spec} is refused")

    def until_allowed(self, attempt: Callable[[], object]) -> None:
        until(lambda: refused(attempt).startswith("it was allowed"), "it is allowed")


@pytest.fixture
def stage(cluster: Cluster, namespace: str, tmp_path: Any) -> Any:
    with cluster.namespace() as place:
        scope = ("--namespace", namespace, "--operator-namespace", place)
        text = install(*scope, "--image", NO_IMAGE, "--replicas", "0", "--job-policy")
        with applied(cluster, text):
            cluster.client.create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "ann"}})
            role = f"{cluster_name(place)}-edit"
            cluster.kubectl(
                *("-n", namespace, "create", "rolebinding", "ann", f"--clusterrole={role}"),
                f"--serviceaccount={namespace}:ann",
            )
            user = KubeClient.from_kubeconfig(cluster.kubeconfig_of("ann", namespace, tmp_path), None, None)
            yield Stage(cluster, namespace, place, user)
            for end in ("all", "more"):
                cluster.kubectl("delete", "--ignore-not-found", POLICIES.plural, f"{place}-{end}")


@pytest.mark.cluster
def test_a_job_is_allowed_what_the_parameters_say_and_nothing_else(stage: Stage) -> None:
    name = stage.say("all", **PARAMETERS)
    stage.until_refused(output="s3://elsewhere/x")

    own = f"s3://results/{stage.namespace}"
    for allowed in (
        own,
        f"{own}/a",
        f"S3://results/{stage.namespace}/a/",
        "s3://shared/exports",
        "s3://shared/exports/b",
    ):
        assert stage.submit(output=allowed)
    for output in (f"{own}-of-others/a", "s3://results/", "s3://results/other/a", "s3://shared/exports-2/a"):
        said = stage.refusal(output=output)
        assert f"spec.output: must be at or below {own}/, s3://shared/exports ({POLICIES.kind} {name})" in said

    for secret in ("s3", "team-a"):
        assert stage.submit(s3={"secretName": secret})
    for secret in ("s3-2", "team", "admin"):
        assert "spec.s3.secretName: must be one of s3, team-*" in stage.refusal(s3={"secretName": secret})

    said = stage.refusal(template=TEMPLATE)
    assert "spec.template: needs the permission to use mapreducejobs/template in this namespace" in said
    role = f"{cluster_name(stage.operator_namespace)}-template"
    stage.cluster.kubectl(
        *("-n", stage.namespace, "create", "rolebinding", "templates", f"--clusterrole={role}"),
        f"--serviceaccount={stage.namespace}:ann",
    )
    stage.until_allowed(lambda: stage.submit(template=TEMPLATE))


@pytest.mark.cluster
def test_a_job_that_was_there_can_be_let_go_and_its_changes_are_checked(stage: Stage) -> None:
    """The operator can remove its finalizer, whatever the policy says by then."""
    client, namespace = stage.cluster.client, stage.namespace
    stage.say("all", namespaces=["other", namespace], outputs=["s3://old"])
    stage.until_refused(output="s3://elsewhere/a")
    name = stage.submit(output="s3://old/a")["metadata"]["name"]
    more = stage.say("more", outputs=["s3://new"])
    stage.until_refused(output="s3://old/a")
    for finalizers in ([FINALIZER], None):
        stage.user.patch(JOBS, namespace, name, {"metadata": {"finalizers": finalizers}})
    said = refused(lambda: stage.user.patch(JOBS, namespace, name, {"spec": {"retry": 1}}))
    assert f"spec.output: must be at or below s3://new ({POLICIES.kind} {more})" in said
    client.patch(POLICIES, None, more, {"spec": {"namespaces": ["other"]}})
    stage.until_allowed(lambda: stage.user.patch(JOBS, namespace, name, {"spec": {"retry": 1}}))


@pytest.mark.cluster
def test_a_namespace_that_no_parameters_are_for_is_not_restricted(stage: Stage) -> None:
    stage.say("all", namespaces=["other"], outputs=["s3://old"])
    stage.until_allowed(lambda: stage.submit(output="s3://elsewhere/a"))


@pytest.mark.cluster
def test_an_api_server_finds_nothing_wrong_with_its_expressions(stage: Stage) -> None:
    name = f"{cluster_name(stage.operator_namespace)}-jobs"

    def checked() -> dict[str, Any]:
        status: dict[str, Any] = stage.cluster.client.get(ADMISSION_POLICIES, None, name).get("status") or {}
        return status if "typeChecking" in status else {}

    assert until(checked, "the policy is checked")["typeChecking"] == {}
