"""Pods that do not end, or whose number changes, while their job runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kubemr_shell.kube.resources import BATCH_JOBS, JOBS
from kubemr_shell.kube.status import Condition, condition
from tests.scenarios.pod_jobs import begin, ends_well, processes_of, signal_pod, until_some_are_done
from tests.support.pods import Site

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def sidecar(site: Site) -> dict[str, Any]:
    """A container that outlives its worker and listens to no signal."""
    return {
        "name": "proxy",
        "image": site.image,
        "command": ["sh", "-c", "trap '' TERM; sleep 1000 & wait; sleep 1000"],
        "securityContext": {"runAsUser": 65532},
    }


def container_states(pod: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["state"] for one in pod["status"].get("containerStatuses") or ()}


def test_a_dead_worker_beside_a_live_sidecar_is_replaced_and_its_log_is_kept(quiet_site: Site) -> None:
    """The job stood still for ever, and was shown as running."""
    site = quiet_site
    begin(site, replicas=1, template={"spec": {"containers": [sidecar(site)], "terminationGracePeriodSeconds": 2}})
    until_some_are_done(site)
    (first,) = site.running("job")
    signal_pod_of_worker(first)
    site.until(lambda: len(site.pods("job")) == 2)
    ends_well(site)
    assert first in site.status("job")["lost"]
    states = {pod["metadata"]["name"]: container_states(pod) for pod in site.pods("job")}
    assert states[first]["worker"]["terminated"]["exitCode"] == 137
    assert site.cluster.kubectl("-n", site.namespace, "logs", first, "-c", "worker") is not None


def signal_pod_of_worker(pod: str) -> None:
    assert processes_of(pod)
    signal_pod(pod, signal.SIGKILL)


def test_a_job_with_a_sidecar_that_never_ends_is_deleted_without_waiting_for_it(site: Site) -> None:
    """The cleanup has no sidecar; one that the cluster adds is not waited for either (tests/operator)."""
    site.bucket.put("in/words", b"b\na\n")
    site.submit(
        "words",
        inputs=[f"{site.bucket.uri}/in/"],
        mapCommand="cat; sleep 300",
        partitions=1,
        template={"spec": {"containers": [sidecar(site)], "terminationGracePeriodSeconds": 1}},
    )
    site.until_state("words", "MAP")
    site.cluster.client.delete(JOBS, site.namespace, "words")
    site.until(lambda: not site.cluster.client.list(JOBS, site.namespace)["items"], seconds=60)
    assert site.bucket.keys("words/") == []


def test_the_number_of_workers_follows_the_spec(quiet_site: Site) -> None:
    site = quiet_site
    begin(site, replicas=1)
    until_some_are_done(site, 1)
    site.change("job", replicas=3)
    site.until(lambda: len(site.running("job")) == 3)
    site.change("job", replicas=2)
    site.until(lambda: len(site.running("job")) == 2)
    ends_well(site)
    assert not {"WorkerFailed", "Evicted"} & set(reasons(site)), "who is not needed any more has not failed"


def reasons(site: Site) -> list[str]:
    return site.cluster.kubectl("-n", site.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}").split()


def test_a_volume_that_is_missing_is_said_and_the_job_goes_on_when_it_is_there(site: Site) -> None:
    site.bucket.put("in/words", b"b\na\n")
    container = {"name": "worker", "volumeMounts": [{"name": "keys", "mountPath": "/keys"}]}
    volume = {"name": "keys", "secret": {"secretName": "team-keys"}}
    site.submit(
        "words",
        inputs=[f"{site.bucket.uri}/in/"],
        mapCommand="cat",
        partitions=1,
        template={"spec": {"containers": [container], "volumes": [volume]}},
    )
    ready = site.until(lambda: stuck(site, "words", "ContainerCannotStart"))
    assert "Secret team-keys" in ready["message"]
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "team-keys"}, "stringData": {"a": "b"}}
    site.cluster.apply(secret, namespace=site.namespace)
    site.until_state("words", "COMPLETE", seconds=200)


def test_an_init_container_that_cannot_be_pulled_is_said(site: Site) -> None:
    fetch = {"name": "fetch", "image": "nowhere.invalid/nothing:1"}
    site.submit("words", inputs=["s3://bucket/key"], mapCommand="cat", template={"spec": {"initContainers": [fetch]}})
    ready = site.until(lambda: stuck(site, "words", "ImageCannotBePulled"))
    assert "container fetch: nowhere.invalid/nothing:1" in ready["message"]


def test_a_dollar_in_the_output_is_one_in_its_keys(site: Site) -> None:
    """Kubernetes would have put the home folder of the pod there."""
    site.bucket.put("in/words", b"b\na\n")
    output = {"output": f"{site.bucket.uri}/of $(HOME) $$"}
    site.submit("words", inputs=[f"{site.bucket.uri}/in/"], mapCommand="cat", partitions=1, **output)
    site.until_state("words", "COMPLETE")
    assert site.bucket.get("of $(HOME) $$/part-00000") == b"a\nb\n"


def stuck(site: Site, job: str, reason: str) -> Any:
    """The condition of its workers, when it is false for that reason."""
    found = condition(site.job(job), Condition.WORKERS_READY)
    return found if found and (found["status"], found["reason"]) == ("False", reason) else None


@contextmanager
def silent_node(site: Site) -> Iterator[str]:
    """A node of which nobody ever hears, as of one that has lost its network."""
    name = f"silent-{site.namespace}"
    taint = {"key": "tests/silent", "effect": "NoSchedule"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": [taint]}}
    site.cluster.apply(node)
    try:
        yield name
    finally:
        site.cluster.kubectl("delete", "node", name, "--wait=false")


def bind(site: Site, pod: str, node: str) -> None:
    """Bind a pod to a node, as a scheduler does."""
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": target}
    path = f"/api/v1/namespaces/{site.namespace}/pods/{pod}/binding"
    site.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(binding))


def one_pod(site: Site, *known: str) -> str | None:
    """The pod of the job that is none of those that are known."""
    names = {str(pod["metadata"]["name"]) for pod in site.pods("words")} - set(known)
    return next(iter(names), None)


@pytest.mark.slow
def test_a_pod_of_a_lost_node_is_said_and_replaced(site: Site) -> None:
    """The pods of this job are scheduled by the test: the first one to a node that never confirms its end."""
    site.bucket.put("in/words", b"b\na\n")
    nodes = site.cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    site.submit(
        "words",
        inputs=[f"{site.bucket.uri}/in/"],
        mapCommand="cat",
        partitions=1,
        template={"spec": {"schedulerName": "nobody"}},
    )
    with silent_node(site) as silent:
        first = site.until(lambda: one_pod(site))
        bind(site, first, silent)
        site.cluster.kubectl("-n", site.namespace, "delete", "pod", first, "--grace-period=1", "--wait=false")
        ready = site.until(lambda: stuck(site, "words", "NodeLost"))
        assert f"kubectl describe node {silent}" in ready["message"]
        second = site.until(lambda: one_pod(site, first))
        assert {first, second} == {str(pod["metadata"]["name"]) for pod in site.pods("words")}
        bind(site, second, nodes[0])
        site.until_state("words", "COMPLETE")
        assert site.result("words") == b"a\nb\n"
        batch = site.cluster.client.get(BATCH_JOBS, site.namespace, "words")
        assert batch["spec"]["parallelism"] == 2
