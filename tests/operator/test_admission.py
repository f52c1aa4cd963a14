"""Tests of the permissions of the token of a worker. The user's commands can read that token.

The table in docs/operations.md lists the same permissions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.board.stores.json_patch import add, replace
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.errors import DocumentNotFound, Forbidden
from kubemr_shell.job.names import shard_name
from kubemr_shell.job.state import Phase
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import (
    BATCH_JOBS,
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SHARDS,
)
from kubemr_shell.operator.admission import SHARD_TAIL
from tests.support.installations import Installation, refused
from tests.support.waiting import until

Attempts = dict[str, Callable[[], object]]


def shard(job: str, uid: str, *, name: str | None = None, index: int = 0, **metadata: Any) -> dict[str, Any]:
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": job, "uid": uid}
    return {
        "kind": SHARDS.kind,
        "metadata": {
            "name": name or shard_name(job, Phase.MAP, 0, index),
            "labels": {JOB_LABEL: job},
            "ownerReferences": [owner],
            **metadata,
        },
        "spec": {"job": job, "jobUid": uid, "phase": "map", "epoch": 0, "shard": index, "first": 0, "count": 3},
        "state": {"next": 0},
    }


@pytest.mark.parametrize("phase", list(Phase))
def test_the_policy_knows_the_names_of_shards(phase: Phase) -> None:
    name = shard_name("a-job", phase, 12, 123_456)
    assert re.fullmatch(SHARD_TAIL, name.removeprefix("a-job-"))


def test_no_job_has_a_shard_with_the_name_of_another_jobs() -> None:
    """Job ``a`` may not use the names of shards of job ``a-b`` or of job ``a-m0-00000``."""
    for longer in ("a-b", "a-m0-00000"):
        assert not re.fullmatch(SHARD_TAIL, shard_name(longer, Phase.MAP, 0, 0).removeprefix("a-"))


class Stage:
    """A stage with two jobs, a shard of each, and the token of a worker of the job ``mine``."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.admin = installation.cluster.client
        self.namespace = installation.namespace
        installation.start_operator("--output-root", "s3://nowhere")
        for job in ("mine", "other"):
            installation.deploy(job)
        self.uids = {job: installation.job(job)["metadata"]["uid"] for job in ("mine", "other")}
        self.worker = installation.worker_client("mine")
        until(self._is_in_force, "the policy is in force")
        KubernetesStore(self.worker, self.namespace).create(shard("mine", self.uids["mine"]))
        KubernetesStore(installation.worker_client("other"), self.namespace).create(shard("other", self.uids["other"]))

    def _is_in_force(self) -> bool:
        early = shard("other", self.uids["other"], index=99)
        try:
            self.worker.create(SHARDS, self.namespace, early)
        except Forbidden:
            return True
        self.admin.delete(SHARDS, self.namespace, early["metadata"]["name"])
        return False

    def create_shard(self, *arguments: Any, client: KubeClient | None = None, **metadata: Any) -> object:
        document = shard(*arguments, **{"index": 7, **metadata})
        return (client or self.worker).create(SHARDS, self.namespace, document)

    def patch_shard(self, job: str, *operations: Mapping[str, Any]) -> object:
        return self.worker.patch(SHARDS, self.namespace, shard_name(job, Phase.MAP, 0, 0), operations)

    def patch_job(self, job: str, *operations: Mapping[str, Any], status: bool) -> object:
        return self.worker.patch(JOBS, self.namespace, job, operations, status=status)


def others(stage: Stage) -> Attempts:
    """Return the attempts on objects of another job or of no job, by a description."""
    worker, namespace, mine, other = stage.worker, stage.namespace, stage.uids["mine"], stage.uids["other"]
    theirs = shard_name("other", Phase.MAP, 0, 0)
    batch = {"metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": []}}}}
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    outside = stage.installation.operator_namespace
    return {
        "read another job": lambda: worker.get(JOBS, namespace, "other"),
        "list jobs": lambda: worker.list(JOBS, namespace),
        "change another job": lambda: stage.patch_job("other", add("/spec/cancel", True), status=False),
        "write another job's status": lambda: stage.patch_job("other", add("/status/state", "FAIL"), status=True),
        "delete another job": lambda: worker.delete(JOBS, namespace, "other"),
        "make a job": lambda: worker.create(JOBS, namespace, {"metadata": {"name": "x"}, "spec": {"inputs": ["/x"]}}),
        "make another job's shard": lambda: stage.create_shard("other", other),
        "make a shard under another job's name": lambda: stage.create_shard(
            "mine", mine, name=shard_name("other", Phase.MAP, 0, 3)
        ),
        "make a shard of a job whose name begins alike": lambda: stage.create_shard(
            "mine", mine, name=shard_name("mine-too", Phase.MAP, 0, 3)
        ),
        "change another job's shard": lambda: worker.patch(SHARDS, namespace, theirs, [replace("/state/next", 1)]),
        "list shards": lambda: worker.list(SHARDS, namespace),
        "delete another job's shard": lambda: worker.delete(SHARDS, namespace, theirs),
        "read a secret": lambda: worker.get(SECRETS, namespace, "s3"),
        "list secrets": lambda: worker.list(SECRETS, namespace),
        "list pods": lambda: worker.list(PODS, namespace),
        "make a pod": lambda: worker.create(PODS, namespace, {"metadata": {"name": "x"}, "spec": {"containers": []}}),
        "read a log": lambda: worker.get_text(f"{PODS.path(namespace, 'x')}/log", "log"),
        "make a batch Job": lambda: worker.create(BATCH_JOBS, namespace, batch),
        "read a ConfigMap": lambda: worker.get(CONFIG_MAPS, namespace, "x"),
        "make a role": lambda: worker.create(ROLES, namespace, {"metadata": {"name": "x"}, "rules": [rule]}),
        "bind a role": lambda: worker.create(
            ROLE_BINDINGS, namespace, {"metadata": {"name": "x"}, "roleRef": {}, "subjects": []}
        ),
        "make an account": lambda: worker.create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "x"}}),
        "make an event": lambda: worker.create(EVENTS, namespace, {"metadata": {"name": "x"}}),
        "read a job of another namespace": lambda: worker.get(JOBS, outside, "mine"),
        "make a shard in another namespace": lambda: worker.create(SHARDS, outside, shard("mine", mine)),
    }


def its_own(stage: Stage) -> Attempts:
    """Return the attempts on objects of the worker's own job that no worker needs, by a description."""
    mine, other = stage.uids["mine"], stage.uids["other"]
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": "other", "uid": other}
    held = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": "mine", "uid": mine, "blockOwnerDeletion": True}
    return {
        "change its own job": lambda: stage.patch_job("mine", add("/spec/replicas", 100), status=False),
        "delete its own job": lambda: stage.worker.delete(JOBS, stage.namespace, "mine"),
        "delete its own shard": lambda: stage.worker.delete(SHARDS, stage.namespace, "mine-m0-00000"),
        "take the label off": lambda: stage.patch_shard("mine", {"op": "remove", "path": "/metadata/labels"}),
        "relabel": lambda: stage.patch_shard("mine", add("/metadata/labels", {JOB_LABEL: "other"})),
        "give its shard away": lambda: stage.patch_shard("mine", add("/metadata/ownerReferences", [owner])),
        "leave its shard to nobody": lambda: stage.patch_shard("mine", add("/metadata/ownerReferences", [])),
        "hold the job by its shard": lambda: stage.patch_shard("mine", add("/metadata/ownerReferences", [held])),
        "hold the shard by a finalizer": lambda: stage.patch_shard("mine", add("/metadata/finalizers", ["a.b/c"])),
        "make a shard that is held": lambda: stage.create_shard("mine", mine, finalizers=["a.b/c"]),
        "make a shard without an owner": lambda: stage.create_shard("mine", mine, ownerReferences=[]),
        "make a shard without a label": lambda: stage.create_shard("mine", mine, labels={}),
        "take the spec away": lambda: stage.patch_shard("mine", {"op": "remove", "path": "/spec"}),
    }


@pytest.mark.cluster
def test_a_worker_is_refused_all_but_its_own_work(installation: Installation) -> None:
    stage = Stage(installation)
    before = {job: installation.job(job)["metadata"]["generation"] for job in stage.uids}
    answers = {what: refused(attempt) for what, attempt in (others(stage) | its_own(stage)).items()}
    assert {what: said for what, said in answers.items() if not said.startswith("Forbidden: ")} == {}

    store = KubernetesStore(stage.worker, stage.namespace)
    store.create(shard("mine", stage.uids["mine"], index=1))
    store.patch(SHARDS.kind, "mine-m0-00001", [replace("/state/next", 2)])
    assert store.get(SHARDS.kind, "mine-m0-00001")["state"] == {"next": 2}
    store.patch(JOBS.kind, "mine", [add("/status/note", "a worker was here")])
    assert store.get(JOBS.kind, "mine")["status"]["note"] == "a worker was here"
    # Still possible: no rule of the API server can restrict which shards a worker reads.
    assert store.get(SHARDS.kind, "other-m0-00000")["spec"]["job"] == "other"

    assert {job: installation.job(job)["metadata"]["generation"] for job in stage.uids} == before


@pytest.mark.cluster
def test_shards_are_written_by_nobody_else(installation: Installation) -> None:
    """The operator may not write shards, though it has the permissions of workers. An administrator may repair one."""
    stage = Stage(installation)
    operator = KubeClient.from_kubeconfig(installation.operator_kubeconfig, None, None)
    assert "written by the account of its job, kubemr-" in refused(
        lambda: stage.create_shard("mine", stage.uids["mine"], client=operator)
    )
    name = "mine-m0-00000"
    assert refused(lambda: operator.patch(SHARDS, stage.namespace, name, [replace("/state/next", 3)])).startswith(
        "Forbidden: "
    )
    stage.admin.patch(SHARDS, stage.namespace, name, [replace("/state/next", 3)])
    stage.admin.delete(JOBS, stage.namespace, "mine")
    installation.release()
    until(lambda: _is_gone(stage, name), "the garbage collector removes shards with their job")


def _is_gone(stage: Stage, name: str) -> bool:
    try:
        stage.admin.get(SHARDS, stage.namespace, name)
    except DocumentNotFound:
        return True
    stage.installation.release()
    return False
