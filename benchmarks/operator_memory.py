"""Measures how much memory an operator takes for many pods, on a real API server.

``python -m benchmarks.operator_memory [PODS]``; needs a cluster, as ``make test-cluster`` does. The pods are those of
workers in all but their owner, and no scheduler ever takes them. One operator sees them being made, a second one is
started when all are there and reads them as a list.
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

from kubemr_shell.board.documents import JOB_LABEL
from kubemr_shell.kube.resources import JOBS, PODS
from kubemr_shell.operator import manifests
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.options import OperatorOptions
from tests.cluster import Cluster, running_cluster
from tests.waiting import until

PODS_A_JOB = 1000
WRITERS = 8
NOBODY = "no-scheduler"
SPEC = {"inputs": ["s3://none/in"], "mapCommand": "cat", "output": "s3://none/out", "suspend": True}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Operator:
    """An operator in a process of its own."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._port = free_port()
        command = ["operator", "--kubeconfig", cluster.kubeconfig, "--namespace", namespace, "--port", str(self._port)]
        self._process = subprocess.Popen([sys.executable, "-m", "kubemr_shell", *command])

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=10):
                return True
        except OSError:
            return False

    def memory(self) -> dict[str, float]:
        """Return what is resident now, and the most that ever was, in MiB."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        found = {name: int(kib) / 1024 for name, kib in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", text)}
        return {"now": found["VmRSS"], "most": found["VmHWM"]}

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def operator(cluster: Cluster, namespace: str) -> Iterator[Operator]:
    one = Operator(cluster, namespace)
    try:
        until(one.is_ready, "the operator knows what there is")
        yield one
    finally:
        one.end()


def make_job(cluster: Cluster, namespace: str, number: int) -> dict[str, Any]:
    metadata = {"name": f"memory-{number}"}
    spec = {**SPEC, "output": f"s3://none/out-{number}"}
    return cluster.client.create(JOBS, namespace, {"metadata": metadata, "spec": spec})


def make_pod(cluster: Cluster, job: dict[str, Any], number: int) -> None:
    """Make a pod as the controller of batch Jobs does; its owner is left out, or that controller would remove it."""
    seen = Observation(job=job, batch=None, cleanup=None, now=0.0)
    template = manifests.workers(seen, OperatorOptions(), "s3://none/out").document["spec"]["template"]
    spec = {**template["spec"], "schedulerName": NOBODY, "serviceAccountName": "default"}
    metadata = {**template["metadata"], "name": f"{job['metadata']['name']}-{number}-abcde"}
    cluster.client.create(PODS, job["metadata"]["namespace"], {"metadata": metadata, "spec": spec})


def measured(cluster: Cluster, namespace: str, pods: int) -> dict[str, Any]:
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pods", type=int, nargs="?", default=10_000)
    pods = parser.parse_args(arguments).pods
    with ExitStack() as stack:
        cluster = running_cluster(stack)
        namespace = stack.enter_context(cluster.namespace())
        try:
            sys.stdout.write(json.dumps(measured(cluster, namespace, pods), indent=2) + os.linesep)
        finally:
            for number in range(-(-pods // PODS_A_JOB)):  # all at once would take longer than a request may
                remove = f"/api/v1/namespaces/{namespace}/pods?labelSelector={JOB_LABEL}%3Dmemory-{number}"
                cluster.kubectl("delete", "--raw", remove, check=False)


if __name__ == "__main__":
    main(sys.argv[1:])
