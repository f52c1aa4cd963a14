"""A real Kubernetes cluster for tests, and a namespace of its own for each of them.

The cluster is the one of KUBEMR_TEST_KUBECONFIG, else a K3s that testcontainers starts. Where neither is there, its
tests are skipped with the reason; with KUBEMR_TEST_CLUSTER_REQUIRED=1, which CI sets, that is an error instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.errors import DocumentNotFound
from kubemr_shell.job.crd import job_crd, policy_crd, shard_crd
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import JOBS, NAMESPACES
from tests.support.docker import INSTALL, first_line, why_no_docker
from tests.support.skips import skip
from tests.support.turns import turn

K3S = "rancher/k3s:v1.34.2-k3s1"
PROVIDE = f"{INSTALL}, or KUBEMR_TEST_KUBECONFIG=FILE make test-cluster"


class NoCluster(Exception):
    """Why there is none."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    kubeconfig: str
    client: KubeClient

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Return the output of kubectl. The tests reach the cluster with it independently of our code."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", self.kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *documents: dict[str, Any], namespace: str | None = None) -> str:
        whole = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        scope = ("-n", namespace) if namespace else ()
        return self.kubectl(*scope, "apply", "-f", "-", stdin=json.dumps(whole))

    def kubeconfig_of(self, account: str, namespace: str, folder: Path) -> str:
        """Return the path of a kubeconfig with the permissions of an account, and no others."""
        token = self.kubectl("-n", namespace, "create", "token", account, "--duration=1h").strip()
        whole = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        whole["users"] = [{"name": whole["users"][0]["name"], "user": {"token": token}}]
        path = folder / f"{namespace}-{account}"
        path.write_text(json.dumps(whole))
        path.chmod(0o600)
        return str(path)

    def let_go(self, namespace: str) -> None:
        """The operator of the test is gone: nobody would clean up after the jobs that are left."""
        for job in self.client.list(JOBS, namespace)["items"]:
            with suppress(DocumentNotFound):
                self.client.patch(JOBS, namespace, job["metadata"]["name"], {"metadata": {"finalizers": None}})

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """A new namespace, which is deleted without waiting for its end."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.client.create(NAMESPACES, None, {"metadata": {"name": name}})
        try:
            yield name
        finally:
            # A namespace waits for its pods first, and those of a batch Job for others in their place: it would stay.
            self.kubectl("-n", name, "delete", "jobs.batch", "--all", "--wait=false", check=False)
            with suppress(DocumentNotFound):
                self.client.delete(NAMESPACES, None, name)
            self.let_go(name)


def running_cluster(stack: ExitStack) -> Cluster:
    """The cluster there is, with our definitions; NoCluster."""
    kubeconfig = os.environ.get("KUBEMR_TEST_KUBECONFIG")  # noqa: TID251 - tests are told here
    if kubeconfig is None:
        kubeconfig = stack.enter_context(_k3s())
    cluster = Cluster(kubeconfig=kubeconfig, client=KubeClient.from_kubeconfig(kubeconfig, None, None))
    install_definitions(cluster)
    return cluster


def install_definitions(cluster: Cluster) -> None:
    """The CRDs as they are now. Of two that would create them at the same time one would be refused."""
    with turn(cluster.kubeconfig):
        cluster.apply(job_crd(), shard_crd(), policy_crd())
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *_names())


def _names() -> list[str]:
    return [f"crd/{definition['metadata']['name']}" for definition in (job_crd(), shard_crd(), policy_crd())]


@contextmanager
def _k3s() -> Iterator[str]:
    reason = why_no_docker()
    if reason:
        raise NoCluster(f"KUBEMR_TEST_KUBECONFIG is not set, and Docker cannot start K3s: {reason}")
    try:
        from testcontainers.k3s import K3SContainer

        container = K3SContainer(K3S)
        container.start()
    except Exception as error:  # whatever is missing: Docker, its images, the kernel's help
        reason = first_line(str(error)) or type(error).__name__
        raise NoCluster(f"KUBEMR_TEST_KUBECONFIG is not set, and Docker cannot start {K3S}: {reason}") from error
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(container.config_yaml())
            file.flush()
            yield file.name
    finally:
        container.stop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        try:
            found = running_cluster(stack)
        except NoCluster as error:
            if os.environ.get("KUBEMR_TEST_CLUSTER_REQUIRED") == "1":  # noqa: TID251 - likewise
                raise
            skip("no Kubernetes cluster", why=str(error), command=PROVIDE)
        yield found


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace() as name:
        yield name
