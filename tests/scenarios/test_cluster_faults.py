"""Tests of faults of the pods, the operators and the servers of a job: the result is exact."""

import json
import os
import random
import signal
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.scenarios.gates import gate_to
from tests.scenarios.pod_jobs import LEASE_SECONDS, begin, ends_well, processes_of, signal_pod, until_some_are_done
from tests.support.pods import Site, s3_endpoint_in_pods

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def test_workers_killed_at_random(quiet_site: Site) -> None:
    begin(quiet_site)
    chooser = random.Random(7)
    for least in (2, 6, 10):
        until_some_are_done(quiet_site, least)
        pods = quiet_site.until(lambda: [pod for pod in quiet_site.running("job") if processes_of(pod)])
        signal_pod(chooser.choice(pods), signal.SIGKILL)
    ends_well(quiet_site)


@pytest.mark.parametrize("how", [["--wait=false"], ["--grace-period=0", "--force"]])
def test_pods_deleted(quiet_site: Site, how: list[str]) -> None:
    begin(quiet_site)
    until_some_are_done(quiet_site)
    for pod in quiet_site.running("job")[:2]:
        quiet_site.cluster.kubectl("-n", quiet_site.namespace, "delete", "pod", pod, *how)
    ends_well(quiet_site)


def test_pods_deleted_with_the_account_that_others_need(quiet_site: Site) -> None:
    """No pod could be made any more: it stood there, and was said to go on by itself."""
    begin(quiet_site)
    until_some_are_done(quiet_site)
    kubectl = quiet_site.cluster.kubectl
    kubectl("-n", quiet_site.namespace, "delete", "serviceaccount", "kubemr-job")
    kubectl("-n", quiet_site.namespace, "delete", "pods", "-l", "turbobytes.com/job=job")
    ends_well(quiet_site)


def test_pods_evicted_as_by_a_drain(quiet_site: Site) -> None:
    begin(quiet_site)
    until_some_are_done(quiet_site)
    for pod in quiet_site.running("job"):
        path = f"/api/v1/namespaces/{quiet_site.namespace}/pods/{pod}/eviction"
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        quiet_site.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    ends_well(quiet_site)
    reasons = quiet_site.cluster.kubectl(
        "-n", quiet_site.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}"
    )
    assert not {"WorkerFailed", "WorkersReplaced"} & set(reasons.split()), "nobody takes it for a failure"


def test_the_node_drained(quiet_site: Site) -> None:
    """By kubectl, but for the pods of all others. Where it is the only node, new pods wait until it is back."""
    # The first attempt of one task does not end: the job cannot be complete before the drain.
    held = 'cat; [ "$KUBEMR_TASK.$KUBEMR_ATTEMPT" != 6.0 ] || sleep 300'
    begin(quiet_site, mapCommand=held, template={"metadata": {"labels": {"drained": quiet_site.namespace}}})
    until_some_are_done(quiet_site)
    kubectl = quiet_site.cluster.kubectl
    before = {
        pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in quiet_site.pods("job") if "nodeName" in pod["spec"]
    }
    options = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=40s", "--grace-period=10")
    nodes = sorted(set(before.values()))
    try:
        for node in nodes:
            kubectl("drain", node, *options, f"--pod-selector=drained={quiet_site.namespace}")
        assert not set(before) & set(quiet_site.running("job"))
        # The operator frees the claims, however soon after its end a pod was removed.
        quiet_site.until(lambda: set(before) <= set(quiet_site.status("job").get("lost") or ()))
    finally:
        for node in nodes:
            kubectl("uncordon", node)
    ends_well(quiet_site)


def test_the_operator_killed_and_another_in_its_place(quiet_site: Site) -> None:
    begin(quiet_site)
    until_some_are_done(quiet_site)
    quiet_site.operators[0].kill()
    quiet_site.operators[0].wait()
    signal_pod(quiet_site.running("job")[0], signal.SIGKILL)
    quiet_site.start_operator("--lease", LEASE_SECONDS)
    ends_well(quiet_site)


def test_three_operators_at_once(quiet_site: Site) -> None:
    begin(quiet_site, operators=3, seconds=0.1)
    ends_well(quiet_site)
    jobs = quiet_site.cluster.kubectl("-n", quiet_site.namespace, "get", "jobs.batch", "-o", "name").split()
    assert jobs == ["job.batch/job"]


def test_a_worker_paused_past_its_lease_and_continued(quiet_site: Site) -> None:
    begin(quiet_site)
    until_some_are_done(quiet_site)
    paused = quiet_site.running("job")[0]
    signal_pod(paused, signal.SIGSTOP)
    try:
        quiet_site.until_state("job", "REDUCE", "PUBLISH", "COMPLETE", seconds=150)
    finally:
        signal_pod(paused, signal.SIGCONT)
    ends_well(quiet_site)


def test_s3_away_for_a_while(quiet_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with gate_to(quiet_site.bucket.server.endpoint) as gate:
        inside = urlsplit(s3_endpoint_in_pods(quiet_site.bucket))
        monkeypatch.setenv("KUBEMR_TEST_S3_ENDPOINT_IN_PODS", f"http://{inside.hostname}:{gate.port}")
        begin(quiet_site)
        until_some_are_done(quiet_site)
        gate.shut()
        threading.Timer(30, gate.open).start()
        ends_well(quiet_site, seconds=200)
        assert gate.refused > 0


@pytest.mark.slow
def test_the_api_server_stopped_for_a_minute(quiet_site: Site) -> None:
    """Alone on its cluster: whatever else runs there feels it."""
    begin(quiet_site, seconds=2)
    until_some_are_done(quiet_site)
    servers = [
        int(pid)
        for pid in filter(str.isdecimal, os.listdir("/proc"))
        if os.path.exists(f"/proc/{pid}/cmdline")
        and b"kube-apiserver" in Path(f"/proc/{pid}/cmdline").read_bytes()[:200]
    ]
    assert servers, "the API server is not seen from here"
    for pid in servers:
        os.kill(pid, signal.SIGSTOP)
    stopped = threading.Event()
    try:
        stopped.wait(60)
    finally:
        for pid in servers:
            os.kill(pid, signal.SIGCONT)
    ends_well(quiet_site, seconds=200)
