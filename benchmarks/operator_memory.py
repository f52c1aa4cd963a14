"""Measures the memory of an operator with many pods, on a real API server.

``python -m benchmarks.operator_memory [PODS]``

The benchmark needs a cluster, as ``make test-cluster`` does. The pods are like those of workers, but have no owner, and
no scheduler takes them. The first operator watches while the pods are made. The second operator starts when all pods
exist, and reads them as a list.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.kube.resources import JOBS, PODS
from kubemr_shell.operator import manifests
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.options import OperatorOptions
from tests.support.cluster import Cluster, running_cluster
from tests.support.waiting import until

PODS_A_JOB = 1000
"""The number of pods of each job."""
WRITERS = 8
"""The number of threads that make pods."""
NOBODY = "no-scheduler"
"""The name of a scheduler that does not exist, so that no pod is started."""
SPEC = {"inputs": ["s3://none/in"], "mapCommand": "cat", "output": "s3://none/out", "suspend": True}
"""The spec of each job. A suspended job gets no pods from the operator."""


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Operator:
    """An operator in a process of its own."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._port = free_port()
        command = ["operator", "--kubeconfig", cluster.kubeconfig, "--namespace", namespace, "--port", str(self._port)]
        self._process = subprocess.Popen([sys.executable, "-m", "kubemr_shell", *command])

    def is_ready(self) -> bool:
        """Return whether the operator answers its readiness probe."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=10):
                return True
        except OSError:
            return False

    def memory(self) -> dict[str, float]:
        """Return the resident memory now, and its peak, in MiB."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        found = {name: int(kib) / 1024 for name, kib in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", text)}
        return {"now": found["VmRSS"], "most": found["VmHWM"]}

    def end(self) -> None:
        """End the operator by SIGTERM, and wait for its end."""
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def operator(cluster: Cluster, namespace: str) -> Iterator[Operator]:
    """Run an operator during the block."""
    one = Operator(cluster, namespace)
    try:
        until(one.is_ready, "the operator knows what there is")
        yield one
    finally:
        one.end()


def make_job(cluster: Cluster, namespace: str, number: int) -> dict[str, Any]:
    """Create a suspended job, and return it."""
    metadata = {"name": f"memory-{number}"}
    spec = {**SPEC, "output": f"s3://none/out-{number}"}
    return cluster.client.create(JOBS, namespace, {"metadata": metadata, "spec": spec})


def make_pod(cluster: Cluster, job: dict[str, Any], number: int) -> None:
    """Create a pod as the controller of batch Jobs does, but without an owner.

    With an owner, the controller would remove the pod.
    """
    seen = Observation(job=job, batch=None, cleanup=None, now=0.0)
    template = manifests.workers(seen, OperatorOptions(), "s3://none/out").document["spec"]["template"]
    spec = {**template["spec"], "schedulerName": NOBODY, "serviceAccountName": "default"}
    metadata = {**template["metadata"], "name": f"{job['metadata']['name']}-{number}-abcde"}
    cluster.client.create(PODS, job["metadata"]["namespace"], {"metadata": metadata, "spec": spec})


def measured(cluster: Cluster, namespace: str, pods: int) -> dict[str, Any]:
    """Return the memory of an operator without pods, after watching ``pods`` pods, and after listing them."""
    result: dict[str, Any] = {"pods": pods}
    jobs = [make_job(cluster, namespace, number) for number in range(-(-pods // PODS_A_JOB))]
    with operator(cluster, namespace) as watching:
        result["without pods"] = watching.memory()
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda number: make_pod(cluster, jobs[number // PODS_A_JOB], number), range(pods)))
        settled = time.monotonic() + 10
        until(lambda: time.monotonic() > settled)
        result["has watched them come"] = watching.memory()
    with operator(cluster, namespace) as listing:
        settled = time.monotonic() + 10
        until(lambda: time.monotonic() > settled)
        result["has listed them"] = listing.memory()
    return result


def main(arguments: Sequence[str]) -> None:
    """Measure, and print the values as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pods", type=int, nargs="?", default=10_000)
    pods = parser.parse_args(arguments).pods
    with ExitStack() as stack:
        cluster = running_cluster(stack)
        namespace = stack.enter_context(cluster.namespace())
        try:
            sys.stdout.write(json.dumps(measured(cluster, namespace, pods), indent=2) + os.linesep)
        finally:
            for number in range(-(-pods // PODS_A_JOB)):  # a request for all pods would exceed its time limit
                remove = f"/api/v1/namespaces/{namespace}/pods?labelSelector={JOB_LABEL}%3Dmemory-{number}"
                cluster.kubectl("delete", "--raw", remove, check=False)


if __name__ == "__main__":
    main(sys.argv[1:])
