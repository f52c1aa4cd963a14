"""Tests of the cache: how much of an object is kept, and for how long."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.kube.marks import ROLE_LABEL, UID_LABEL, WORKER
from kubemr_shell.kube.status import state_of
from kubemr_shell.operator import manifests
from kubemr_shell.operator.cached_fields import cached_batch, cached_job, cached_pod
from kubemr_shell.operator.object_cache import ObjectCache
from tests.operator.observed import OPTIONS, STAMP, job, seen

PODS = 500
BYTES_A_POD = 2048
UID = "0e0d3c1c-6b1d-4f0e-8a0c-1e2f3a4b5c6d"


def label_of(document: Mapping[str, Any]) -> str:
    return str(document["metadata"]["labels"][JOB_LABEL])


def whole_pod(name: str) -> dict[str, Any]:
    """Return a running pod of a worker, with the fields that an API server and a kubelet add."""
    batch = manifests.workers(seen(job({"state": "MAP"})), OPTIONS, "s3://results/words").document
    spec = {
        "nodeName": "node",
        "tolerations": [{"key": "x", "operator": "Exists"}] * 4,
        **batch["spec"]["template"]["spec"],
    }
    ready = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [{"type": one, "status": "True", "lastProbeTime": None, "lastTransitionTime": STAMP} for one in ready]
    container = {
        "name": "worker",
        "image": "registry.example/kubemr/base:0.1.0",
        "imageID": f"registry.example/kubemr/base@sha256:{'a' * 64}",
        "containerID": f"containerd://{'b' * 64}",
        "state": {"running": {"startedAt": STAMP}},
        "volumeMounts": spec["containers"][0]["volumeMounts"] * 4,
    }
    fields: dict[str, Any] = {
        f"f:{key}": {"f:a": {}, "f:b": {}, "k:{'name':'x'}": {}} for key in "abcdefghijklmnopqrstuvwxyz"
    }
    manager = {"manager": "kube-controller-manager", "operation": "Update", "time": STAMP, "fieldsV1": fields}
    labels = {JOB_LABEL: "words", UID_LABEL: UID, ROLE_LABEL: WORKER, "job-name": "words", "controller-uid": UID}
    metadata = {
        "name": name,
        "namespace": "here",
        "uid": UID,
        "labels": labels,
        "annotations": {"batch.kubernetes.io/job-completion-index": "0"},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "words", "uid": UID, "controller": True}],
        "managedFields": [manager] * 2,
    }
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [container], "podIP": "10.0.0.1"}
    whole: dict[str, Any] = json.loads(json.dumps({"metadata": metadata, "spec": spec, "status": status}))
    return whole


@pytest.mark.lengthy
def test_a_pod_takes_a_kilobyte_or_two() -> None:
    pods, text = ObjectCache(job_of=label_of, kept=cached_pod, fact=state_of), json.dumps(whole_pod("POD"))
    tracemalloc.start()
    try:
        for number in range(PODS):
            pods.put(json.loads(text.replace("POD", f"words-{number:05}-abcde")))
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(pods.of_job(("here", "words"))) == PODS
    assert used / PODS < BYTES_A_POD


def test_what_is_kept_of_a_pod_says_whose_it_is_and_how_its_containers_are() -> None:
    pod = whole_pod("words-0-abcde")
    pod["status"]["conditions"].append(
        {"type": "DisruptionTarget", "status": "True", "reason": "Evicted", "message": "drained"}
    )
    pod["status"]["initContainerStatuses"] = [
        {"name": "first", "image": "i", "state": {"waiting": {"reason": "ErrImagePull"}}}
    ]
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 1, "message": "y" * 4096}}
    kept = cached_pod(pod)
    assert kept["metadata"]["ownerReferences"] == pod["metadata"]["ownerReferences"]
    assert kept["metadata"]["labels"] == pod["metadata"]["labels"]
    assert [one["type"] for one in kept["status"]["conditions"]] == ["DisruptionTarget"]
    assert kept["status"]["initContainerStatuses"] == pod["status"]["initContainerStatuses"]
    ended = kept["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (1, "y" * 1000)
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] == "y" * 4096, (
        "the object is as it was"
    )


def test_of_a_batch_job_the_images_are_kept_and_of_a_job_all_but_who_wrote_it() -> None:
    batch = json.loads(
        json.dumps(manifests.workers(seen(job({"state": "MAP"})), OPTIONS, "s3://results/words").document)
    )
    kept = cached_batch({**batch, "status": {"active": 1}})
    assert manifests.image_of(kept) == manifests.image_of(batch)
    assert kept["spec"]["parallelism"] == batch["spec"]["parallelism"]
    assert len(json.dumps(kept)) < len(json.dumps(batch)) / 2
    document = job({"state": "MAP"})
    document["metadata"]["managedFields"] = [{"manager": "kubemr"}]
    assert cached_job(document) == job({"state": "MAP"})


def named(name: str, state: str, namespace: str = "here", text: str = "") -> dict[str, Any]:
    labels = {JOB_LABEL: "words"}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "status": {"state": state, "text": text},
    }


def test_objects_are_found_by_name_and_by_job_until_they_are_removed() -> None:
    objects = ObjectCache(job_of=label_of, fact=state_of)
    long = named("a", "MAP", text="é\ud800" * 5000)
    for document in (named("b", "MAP"), long, named("b", "COMPLETE"), named("c", "MAP", "there")):
        assert objects.put(document) == (document["metadata"]["namespace"], "words")
    assert objects.get("here", "a") == long
    assert objects.of_job(("here", "words")) == [long, named("b", "COMPLETE")]
    assert objects.fact("here", "b") == "COMPLETE"
    assert dict(objects.facts()) == {("here", "MAP"): 1, ("here", "COMPLETE"): 1, ("there", "MAP"): 1}
    assert objects.remove(("here", "a")) == ("here", "words")
    assert objects.remove(("here", "a")) is None
    objects.remove(("here", "b"))
    assert objects.jobs() == [("there", "words")]
    assert objects.get("here", "b") is None


def test_an_object_that_is_no_longer_needed_is_forgotten_with_the_next_look_or_change() -> None:
    ended: set[str] = set()
    objects = ObjectCache(job_of=label_of, fact=state_of, is_needed=lambda one: one["metadata"]["name"] not in ended)
    for name in ("a", "b"):
        objects.put(named(name, "MAP"))
    ended.add("a")
    objects.review(("here", "words"))
    assert objects.keys() == {("here", "b")}
    ended.add("b")
    assert objects.put(named("b", "MAP")) == ("here", "words"), "its job is looked at all the same"
    assert objects.keys() == set()
