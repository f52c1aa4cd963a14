"""A real API server that refuses a worker for a while: the worker waits, says so, and goes on by itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.stand_in import StandIn, create_deployed
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.board.wait_reports import waits_of
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import Connection
from kubemr_shell.kube.kubeconfig import of_kubeconfig
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.operator.rights import job_rules
from tests.scenarios.test_cluster_board import TIMING
from tests.support.cluster import Cluster
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

ACCOUNT = "worker"
TASKS = 20
SHARDS_QUOTA = "count/taskshards.turbobytes.com"


def role(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": ACCOUNT}, "rules": rules}


def quota(shards: str) -> dict[str, Any]:
    hard = {SHARDS_QUOTA: shards}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "shards"}, "spec": {"hard": hard}}


class Worker:
    """A stand-in for one worker, with an account and the rights of a worker."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        }
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}}
        cluster.apply(account, role(job_rules("job")), binding, namespace=namespace)
        kubeconfig = cluster.kubeconfig_of(ACCOUNT, namespace, folder)
        self._connection, _ = of_kubeconfig(kubeconfig, None, connections=4)
        self._namespace = namespace
        self.has_token = True
        self.refused = 0
        """Requests with a token of no worth."""
        self.end: object = None

    def run(self) -> None:
        try:
            self.end = self._agent().run()
        except Exception as error:  # noqa: BLE001 - the test says which
            self.end = error

    def _agent(self) -> StandIn:
        client = KubeClient(self._with_token(), self._namespace)
        return StandIn(
            KubernetesStore(client, self._namespace),
            "job",
            "w0",
            tasks=TASKS,
            slots=1,
            workers=1,
            number=0,
            task_seconds=0.05,
            timing=TIMING,
            random=Random(1),
            sleep=time.sleep,
        )

    def _with_token(self) -> Connection:
        given = self._connection.authorization

        def authorization() -> str | None:
            if self.has_token:
                return given()
            self.refused += 1
            return "Bearer of.no.worth"

        return replace(self._connection, authorization=authorization)


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    yield
    thread.join(timeout=90)
    assert worker.end is JobState.COMPLETE


@pytest.fixture
def worker(cluster: Cluster, namespace: str, tmp_path: Path) -> Worker:
    create_deployed(cluster.client, namespace, "job")
    return Worker(cluster, namespace, tmp_path)


def test_a_full_quota_of_shards_is_waited_for(cluster: Cluster, namespace: str, worker: Worker) -> None:
    cluster.apply(quota("0"), namespace=namespace)
    with at_work(worker):
        told = until(lambda: waits_of(cluster.client.get(JOBS, namespace, "job")), lambda: str(worker.end))
        assert told[0] == "w0"
        assert "exceeded quota" in told[1] or "status unknown for quota" in told[1]
        cluster.apply(quota("100"), namespace=namespace)
    assert waits_of(cluster.client.get(JOBS, namespace, "job")) is None


def test_rights_that_come_back_are_waited_for(cluster: Cluster, namespace: str, worker: Worker) -> None:
    shards_alone = [rule for rule in job_rules("job") if "taskshards" not in rule["resources"]]
    cluster.apply(role(shards_alone), namespace=namespace)
    with at_work(worker):
        told = until(lambda: waits_of(cluster.client.get(JOBS, namespace, "job")), lambda: str(worker.end))
        assert "taskshards" in told[1]
        cluster.apply(role(job_rules("job")), namespace=namespace)


def test_a_token_that_is_refused_for_a_while_is_waited_for(cluster: Cluster, namespace: str, worker: Worker) -> None:
    with at_work(worker):
        until(lambda: cluster.client.get(JOBS, namespace, "job")["status"].get("plan"), "the plan")
        worker.has_token = False
        until(lambda: worker.refused > 1, "a second request that is refused")
        worker.has_token = True
