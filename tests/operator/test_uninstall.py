"""Tests that an uninstallation removes exactly the installed objects, and leaves no job that waits for an operator."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kubemr_shell.kube.resources import (
    CLUSTER_ROLES,
    CRDS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    ROLE_BINDINGS,
    SERVICE_ACCOUNTS,
    Resource,
)
from kubemr_shell.operator.deletion import FINALIZER
from kubemr_shell.operator.install import NAME, InstallOptions, installation
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.uninstall import BINDINGS, DEFINITIONS, KINDS, Found, Removal, removal_of
from tests.support import installations
from tests.support.installations import Installation
from tests.support.waiting import until

RESOURCES = {resource.kind: resource for resource in KINDS}


def found(*options: InstallOptions) -> dict[Resource, list[dict[str, Any]]]:
    """Return the objects of each kind in a cluster with these installations."""
    whole: dict[Resource, list[dict[str, Any]]] = {resource: [] for resource in KINDS}
    for one in options:
        for document in installation(one):
            if document["kind"] != CRDS.kind:
                document["metadata"] = {**document["metadata"], "uid": f"uid {len(str(whole))}"}
                whole[RESOURCES[document["kind"]]].append(document)
    return whole


def options(operator_namespace: str, jobs_in: str | None = None) -> InstallOptions:
    operator = OperatorOptions(namespace=jobs_in)
    return InstallOptions(
        operator=operator,
        operator_namespace=operator_namespace,
        flow_control=True,
        job_policy=True,
        network_policy=True,
        service_monitor=True,
    )


def texts(removal: Removal) -> set[str]:
    return {str(thing) for thing in removal.things}


def everything(known: Found) -> set[str]:
    return texts(removal_of(known, "kubemr"))


def job(namespace: str, *finalizers: str) -> dict[str, Any]:
    return {"metadata": {"name": "words", "namespace": namespace, "finalizers": list(finalizers)}}


@pytest.mark.parametrize("jobs_in", [None, "jobs"])
def test_all_that_was_installed_is_removed_and_the_operator_first(jobs_in: str | None) -> None:
    known = found(options("kubemr", jobs_in))
    removal = removal_of(known, "kubemr")
    assert len(removal.things) == sum(map(len, known.values()))
    assert len({thing.uid for thing in removal.things}) == len(removal.things)
    assert removal.things[0].resource is DEPLOYMENTS
    assert removal.things[-1].resource in BINDINGS


def test_neither_namespaces_nor_definitions_are_ever_part_of_it() -> None:
    assert not {NAMESPACES, CRDS} & set(KINDS)


def test_what_has_our_name_and_not_our_place_stays() -> None:
    known = found(options("kubemr"))
    before = everything(known)
    theirs = {"name": NAME, "namespace": "theirs", "uid": "theirs"}
    for resource in (DEPLOYMENTS, SERVICE_ACCOUNTS):
        known[resource].append({"metadata": theirs})
    known[CLUSTER_ROLES].append({"metadata": {"name": f"theirs-{NAME}", "uid": "theirs"}})
    assert everything(known) == before


def test_another_installation_keeps_what_it_has_and_its_jobs() -> None:
    both = found(options("kubemr"), options("ops", "team"))
    alone = found(options("kubemr"))
    removal = removal_of(both, "kubemr")
    assert texts(removal) == everything(alone)
    assert removal.others == ["ops"]
    assert removal.must_release(job("jobs", FINALIZER))
    assert not removal.must_release(job("team", FINALIZER))


def test_a_job_that_a_second_operator_looks_after_is_not_let_go() -> None:
    removal = removal_of(found(options("kubemr"), options("ops", "team")), "ops")
    assert not removal.must_release(job("team", FINALIZER))


def test_only_jobs_that_our_finalizer_holds_are_let_go() -> None:
    removal = removal_of(found(options("kubemr", "jobs")), "kubemr")
    assert removal.must_release(job("jobs", "theirs", FINALIZER))
    assert not removal.must_release(job("jobs", "theirs"))
    assert not removal.must_release(job("elsewhere", FINALIZER))
    assert removal.must_release(job("elsewhere", FINALIZER), all_jobs=True)


def test_installations_that_share_names_in_the_cluster_leave_them_to_the_last() -> None:
    """Kustomize can put the manifests into any namespace, but the names of objects of the whole cluster stay equal."""
    known = found(options("kubemr", "kubemr"), options("kubemr", "kubemr"))
    for documents in known.values():
        documents[len(documents) // 2 :] = [_moved(one) for one in documents[len(documents) // 2 :]]
    kept = {str(thing) for thing in removal_of(known, "kubemr").things if thing.namespace is None}
    assert kept == set()
    assert all(thing.namespace == "other" for thing in removal_of(known, "other").things)
    assert removal_of(known, "other").things


def _moved(document: dict[str, Any]) -> dict[str, Any]:
    if "namespace" not in document["metadata"]:
        return document
    moved = {**document, "metadata": {**document["metadata"], "namespace": "other"}}
    if "subjects" in moved:
        moved["subjects"] = [{**one, "namespace": "other"} for one in moved["subjects"]]
    return moved


def test_an_interrupted_one_finds_the_rest_and_the_jobs_again() -> None:
    known = found(options("kubemr"))
    first, *rest = removal_of(known, "kubemr").things
    left = {resource: [one for one in ones if one["metadata"]["uid"] != first.uid] for resource, ones in known.items()}
    again = removal_of(left, "kubemr")
    assert again.things == rest
    assert again.must_release(job("jobs", FINALIZER))


def test_a_release_of_helm_is_named() -> None:
    known = found(options("kubemr"))
    known[DEPLOYMENTS][0]["metadata"]["annotations"] = {"meta.helm.sh/release-name": "mine"}
    assert removal_of(known, "kubemr").release == "mine"


def uninstall(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    place = ("--operator-namespace", installation.operator_namespace, "--kubeconfig", installation.cluster.kubeconfig)
    command = [sys.executable, "-m", "kubemr_shell", "uninstall", *place, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.cluster
def test_a_namespace_can_be_deleted_after_the_operator_is_gone(installation: Installation) -> None:
    """Without --yes, nothing is removed. With --yes, other objects stay, and no job waits for an operator."""
    cluster, place = installation.cluster, installation.operator_namespace
    cluster.kubectl("-n", place, "create", "configmap", "theirs", "--from-literal=a=b")
    client, namespace = cluster.client, installation.namespace
    client.create(JOBS, namespace, {**job(namespace, FINALIZER), "spec": {"inputs": ["s3://a"], "mapCommand": "cat"}})
    status = {"state": "FAIL", "turn": 4, "output": "s3://results/words", "startTime": "2027-01-15T08:00:00Z"}
    client.patch(JOBS, namespace, "words", {"status": status}, status=True)
    uid = installation.job("words")["metadata"]["uid"]

    asked = uninstall(installation)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert f"Deployment {NAME} in the namespace {place}" in asked.stdout
    assert "kubemr-shell clean --force s3://results/words removes them" in asked.stdout
    assert f"s3://results/words/_kubemr/{uid}" in asked.stdout
    assert f"kubemr-shell uninstall --yes --operator-namespace {place}" in asked.stdout
    assert installation.job("words")["metadata"]["finalizers"] == [FINALIZER]
    assert client.list(DEPLOYMENTS, place)["items"]

    done = uninstall(installation, "--yes")
    assert done.returncode == 0, done.stderr
    assert f"released {namespace}/words (FAIL): its temporaries are left" in done.stderr
    for resource in (DEPLOYMENTS, SERVICE_ACCOUNTS):
        assert not [one for one in client.list(resource, place)["items"] if one["metadata"]["name"] == NAME]
    assert client.list(ROLE_BINDINGS, namespace)["items"] == []
    assert cluster.kubectl("-n", place, "get", "configmap", "theirs")
    assert "finalizers" not in installation.job("words")["metadata"]
    assert all(client.get(CRDS, None, name) for name in DEFINITIONS)
    client.delete(NAMESPACES, None, namespace)
    until(lambda: cluster.kubectl("get", "namespace", namespace, "--ignore-not-found") == "", "the namespace is gone")


@pytest.mark.cluster
def test_what_is_not_installed_is_said_with_what_is(installation: Installation) -> None:
    place = installation.operator_namespace
    assert uninstall(installation, "--yes").returncode == 0
    again = uninstall(installation, "--yes")
    assert again.returncode == 2
    assert f"nothing is installed for an operator in the namespace {place}" in again.stderr


@pytest.mark.cluster
def test_the_definitions_stay_while_another_installation_needs_them(installation: Installation) -> None:
    with installation.cluster.namespace() as place:
        text = installations.install(
            *("--namespace", installation.namespace, "--operator-namespace", place),
            *("--image", installations.NO_IMAGE, "--replicas", "0"),
        )
        with installations.applied(installation.cluster, text):
            refused = uninstall(installation, "--yes", "--definitions")
            assert refused.returncode == 2
            assert place in refused.stderr
            assert installation.cluster.client.list(DEPLOYMENTS, installation.operator_namespace)["items"]
