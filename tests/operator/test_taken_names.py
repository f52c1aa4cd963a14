"""Tests of a job that needs a name which another object has: the job waits, reports why, and continues."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.kube.marks import FILES_ANNOTATION
from kubemr_shell.kube.owners import owners_of
from kubemr_shell.kube.resources import BATCH_JOBS, CONFIG_MAPS, EVENTS, JOBS, SERVICE_ACCOUNTS, Resource
from kubemr_shell.kube.status import Condition, status_of
from kubemr_shell.operator.manifests import account_name
from tests.support.installations import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

HELD = "turbobytes.com/test"
"""A finalizer of the test."""
SOON_SECONDS = 90.0
"""Less than the time after which an operator gives up a job whose workers do not end."""
QUOTAS = Resource(api_version="v1", kind="ResourceQuota", plural="resourcequotas")


def ready(installation: Installation, job: str) -> dict[str, Any]:
    """Return the condition WorkersReady of a job."""
    return installation.condition(job, Condition.WORKERS_READY)


def events(installation: Installation, job: str) -> dict[str, str]:
    """Return the messages of a job's Events, by their reasons."""
    found = installation.cluster.client.list(EVENTS, installation.namespace)["items"]
    return {one["reason"]: one["message"] for one in found if one["involvedObject"]["name"] == job}


def owner_of(installation: Installation, resource: Resource, name: str) -> str:
    [owner] = owners_of(installation.cluster.client.get(resource, installation.namespace, name))
    return str(owner["uid"])


def test_a_job_does_not_take_the_account_of_a_deleted_job_for_its_own(installation: Installation) -> None:
    """The garbage collector removes the old account later, and with it all permissions of the new workers."""
    client, namespace, account = installation.cluster.client, installation.namespace, account_name("words")
    said = installation.start_operator("--output-root", "s3://nowhere")
    installation.deploy("words")
    client.patch(SERVICE_ACCOUNTS, namespace, account, {"metadata": {"finalizers": [HELD]}})
    client.delete(JOBS, namespace, "words")
    until(lambda: not installation.has(JOBS, "words"), "the job is gone")

    installation.submit("words")
    waiting = until(lambda: ready(installation, "words"), "it says for what it waits")
    assert waiting["message"] == f"waits until ServiceAccount {account} of a deleted job of this name is removed"
    assert not installation.has(BATCH_JOBS, "words")
    client.patch(SERVICE_ACCOUNTS, namespace, account, {"metadata": {"finalizers": None}})
    until(lambda: installation.state("words") == "DEPLOYED", "it is deployed")
    assert owner_of(installation, SERVICE_ACCOUNTS, account) == installation.job("words")["metadata"]["uid"]
    assert "NameTaken" not in events(installation, "words")
    assert said.read_text() == ""


@pytest.mark.parametrize(
    ("resource", "name"), [(BATCH_JOBS, "words"), (SERVICE_ACCOUNTS, account_name("words"))], ids=["workers", "account"]
)
def test_a_name_that_somebody_else_has_is_said_with_what_to_do(
    installation: Installation, resource: Resource, name: str
) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "any", "image": "any"}]}
    spec = {"spec": {"suspend": True, "template": {"spec": pod}}} if resource is BATCH_JOBS else {}
    client, namespace = installation.cluster.client, installation.namespace
    client.create(resource, namespace, {"metadata": {"name": name}, **spec})
    installation.start_operator("--output-root", "s3://nowhere")
    installation.submit("words")
    installation.deploy("other")
    until(lambda: ready(installation, "words").get("reason") == "NameTaken", "it is said")
    said = f"{resource.kind} {name} is in the way: it does not belong to this job. Delete it"
    assert said in ready(installation, "words")["message"]
    assert said in until(lambda: events(installation, "words").get("NameTaken"), "its event")
    client.delete(resource, namespace, name)
    until(lambda: installation.state("words") == "DEPLOYED", "it goes on")


def test_what_the_api_server_refuses_is_said_as_well(installation: Installation) -> None:
    client, namespace = installation.cluster.client, installation.namespace
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    client.create(QUOTAS, namespace, quota)
    until(lambda: "hard" in status_of(client.get(QUOTAS, namespace, "none")), "it holds")
    installation.start_operator("--output-root", "s3://nowhere")
    installation.submit("words")
    until(lambda: ready(installation, "words").get("reason") == "CreationRefused", "it is said")
    assert "exceeded quota" in ready(installation, "words")["message"]
    client.delete(QUOTAS, namespace, "none")
    until(lambda: installation.state("words") == "DEPLOYED", "it goes on")


def test_an_output_that_an_orphaned_document_keeps_is_said_with_what_to_do(installation: Installation) -> None:
    """``kubectl delete --cascade=orphan`` leaves the ConfigMap that reserves the output, and nothing removes it."""
    cluster, namespace = installation.cluster, installation.namespace
    installation.start_operator()
    installation.deploy("words", output="s3://nowhere/out")
    cluster.kubectl("-n", namespace, "delete", "mapreducejob", "words", "--cascade=orphan", "--wait=false")
    until(lambda: not installation.has(JOBS, "words"), "the job is gone")
    installation.submit("again", output="s3://nowhere/out")
    until(lambda: ready(installation, "again").get("reason") == "NameTaken", "it is said")
    said = ready(installation, "again")["message"]
    assert "keeps the output s3://nowhere/out for job words" in said
    [command] = re.findall(r"kubectl (.*)$", said)
    cluster.kubectl(*command.split())
    until(lambda: installation.state("again") == "DEPLOYED", "it goes on")


def test_a_job_is_deleted_whose_batch_job_was_orphaned_before_the_operator_looked(installation: Installation) -> None:
    """The garbage collector can remove the reference to the job before an operator deletes the batch Job."""
    cluster, namespace = installation.cluster, installation.namespace
    with ExitStack() as first:
        replace(installation, processes=first).start_operator()
        installation.deploy("words", output="s3://nowhere/out")
    cluster.kubectl("-n", namespace, "delete", "mapreducejob", "words", "--cascade=orphan", "--wait=false")
    until(lambda: not owners_of(cluster.client.get(BATCH_JOBS, namespace, "words")), "the batch Job is orphaned")
    installation.start_operator()
    until(lambda: not installation.has(JOBS, "words"), "the job is gone", seconds=SOON_SECONDS)
    until(lambda: not installation.has(BATCH_JOBS, "words"), "the batch Job is gone", seconds=SOON_SECONDS)


def test_files_that_are_not_the_jobs_are_not_given_to_its_pods(installation: Installation) -> None:
    client, namespace = installation.cluster.client, installation.namespace
    client.create(CONFIG_MAPS, namespace, {"metadata": {"name": "words-files"}, "data": {"of": "another team"}})
    installation.start_operator("--output-root", "s3://nowhere")
    spec = {"inputs": ["s3://none/none"], "mapCommand": "cat"}
    metadata = {"name": "words", "annotations": {FILES_ANNOTATION: "words-files"}}
    client.create(JOBS, namespace, {"metadata": metadata, "spec": spec})
    until(lambda: ready(installation, "words").get("reason") == "NameTaken", "it is said")
    assert "ConfigMap words-files is in the way" in ready(installation, "words")["message"]
    assert not installation.has(BATCH_JOBS, "words")
    assert client.get(CONFIG_MAPS, namespace, "words-files")["data"] == {"of": "another team"}
