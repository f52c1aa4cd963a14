"""An installation for one namespace with unique names, and helpers to act as its accounts."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.errors import DocumentNotFound, KubemrError
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.marks import CLEANUP, ROLE_LABEL
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS, Resource
from kubemr_shell.kube.status import Condition, condition, state_of
from kubemr_shell.operator.install import NAME
from kubemr_shell.operator.manifests import account_name
from tests.support.cluster import Cluster
from tests.support.waiting import PATIENCE_SECONDS, until

NO_IMAGE = "kubemr.test/none:1"
"""An image that does not exist: pods are created, and never start."""
NEVER_PULLED = {"spec": {"containers": [{"name": "worker", "imagePullPolicy": "Never"}]}}


def install(*arguments: str) -> str:
    """Return the manifests that ``kubemr-shell install`` writes."""
    command = [sys.executable, "-m", "kubemr_shell", "install", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_definitions(text: str) -> str:
    """Return all manifests except the definitions, which other tests use too."""
    documents = [one for one in yaml.safe_load_all(text) if one["kind"] != "CustomResourceDefinition"]
    return yaml.safe_dump_all(documents)


@contextmanager
def applied(cluster: Cluster, text: str) -> Iterator[str]:
    """Apply the manifests and yield the output of kubectl. At the end, delete them without waiting."""
    try:
        yield cluster.kubectl("apply", "-f", "-", stdin=text)
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=without_definitions(text))


@dataclass(kw_only=True)
class Installation:
    """An installation, with helpers for its operator, its workers and its jobs."""

    cluster: Cluster
    operator_namespace: str
    namespace: str
    """The namespace of the jobs."""
    folder: Path
    processes: ExitStack = field(repr=False)

    @property
    def operator_kubeconfig(self) -> str:
        return self.cluster.kubeconfig_of(NAME, self.operator_namespace, self.folder)

    def worker_kubeconfig(self, job: str) -> str:
        return self.cluster.kubeconfig_of(account_name(job), self.namespace, self.folder)

    def worker_client(self, job: str) -> KubeClient:
        return KubeClient.from_kubeconfig(self.worker_kubeconfig(job), None, None)

    def start_operator(self, *arguments: str) -> Path:
        """Start an operator as a process with the token of its account. Return the file with its errors."""
        said = self.folder / f"operator-{uuid.uuid4().hex[:6]}"
        command = ("operator", "--kubeconfig", self.operator_kubeconfig, "--namespace", self.namespace, "--port", "0")
        with said.open("wb") as file:
            whole = [sys.executable, "-m", "kubemr_shell", *command, "--image", NO_IMAGE, *arguments]
            process = subprocess.Popen(whole, stderr=file)
        self.processes.callback(_end, process)
        return said

    def start_worker(self, job: str, output: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a worker as a pod does, with the account of its job."""
        uid = self.job(job)["metadata"]["uid"]
        command = ("worker", "--kubeconfig", self.worker_kubeconfig(job), "--job", job)
        place = ("--uid", uid, "--namespace", self.namespace, "--name", f"{job}-local", "--workers", "1")
        where = ("--output", output, "--scratch", str(self.folder / f"scratch-{job}"), "--slots", "1")
        process = subprocess.Popen(
            [sys.executable, "-m", "kubemr_shell", *command, *place, *where],
            env=os.environ | environment,  # noqa: TID251 - PATH and HOME
        )
        self.processes.callback(_end, process)
        return process

    def submit(self, name: str, **spec: Any) -> None:
        spec = {"template": NEVER_PULLED, "inputs": ["s3://none/none"], "mapCommand": "cat", **spec}
        self.cluster.client.create(JOBS, self.namespace, {"metadata": {"name": name}, "spec": spec})

    def job(self, name: str) -> dict[str, Any]:
        return self.cluster.client.get(JOBS, self.namespace, name)

    def state(self, name: str) -> str:
        return state_of(self.job(name))

    def condition(self, name: str, kind: Condition) -> dict[str, Any]:
        """Return a condition of a job; empty if the job does not have it."""
        return dict(condition(self.job(name), kind) or {})

    def has(self, resource: Resource, name: str) -> bool:
        try:
            self.cluster.client.get(resource, self.namespace, name)
        except DocumentNotFound:
            return False
        return True

    def deploy(self, name: str, **spec: Any) -> None:
        """Create a job and wait until the batch Job of its workers exists."""
        self.submit(name, **spec)
        until(lambda: self.has(BATCH_JOBS, name), f"{name} is deployed")

    def release(self) -> None:
        """Release all jobs, so that no pod that cannot start, and no cleanup, delays the end of a test."""
        client, namespace = self.cluster.client, self.namespace
        self.cluster.let_go(namespace)
        for batch in client.list(BATCH_JOBS, namespace)["items"]:
            with suppress(DocumentNotFound):
                client.delete(BATCH_JOBS, namespace, batch["metadata"]["name"])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=PATIENCE_SECONDS)


@pytest.fixture
def installation(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    """Yield an installation. A test may run its operator as a process."""
    with _installed(cluster, namespace, tmp_path) as one:
        yield one


@contextmanager
def _installed(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Installation]:
    with ExitStack() as processes:
        operator_namespace = processes.enter_context(cluster.namespace())
        scope = ("--namespace", namespace, "--operator-namespace", operator_namespace)
        text = install(*scope, "--image", NO_IMAGE, "--replicas", "0", "--flow-control")
        processes.enter_context(applied(cluster, text))
        one = Installation(
            cluster=cluster,
            operator_namespace=operator_namespace,
            namespace=namespace,
            folder=folder,
            processes=processes,
        )
        yield one


def has_cleanup(installation: Installation, job: str) -> bool:
    """Return whether a cleanup of the job exists."""
    labels = f"{JOB_LABEL}={job},{ROLE_LABEL}={CLEANUP}"
    return bool(installation.cluster.client.list(BATCH_JOBS, installation.namespace, labels=labels)["items"])


def refused(attempt: Callable[[], object]) -> str:
    """Return the message with which the API server refuses an attempt. Fail if it does not refuse."""
    try:
        done = attempt()
    except KubemrError as error:
        return f"{type(error).__name__}: {error}"
    return f"it was allowed: {done}"
