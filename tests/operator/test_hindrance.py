"""Tests of the hindrances of pods."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.stamps import stamp_of
from kubemr_shell.kube.status import STARTING
from kubemr_shell.operator.hindrance import CREATION_SECONDS, NODE_LOST, OVERDUE_SECONDS, first_hindrance, hindrance
from kubemr_shell.operator.observation import Trouble
from kubemr_shell.operator.reconcile import reconcile
from tests.operator.observed import NOW, OPTIONS, RUNS, STAMP, batch, conditions, ended, job, pod, seen, waiting

TEMPLATE: dict[str, Any] = {
    "volumes": [
        {"name": "scratch", "emptyDir": {}},
        {"name": "keys", "secret": {"secretName": "team-keys"}},
        {"name": "extra", "secret": {"secretName": "may-be-there", "optional": True}},
        {"name": "cache", "persistentVolumeClaim": {"claimName": "big"}},
    ]
}


def why(one: dict[str, Any], now: float = NOW) -> Trouble | None:
    return hindrance(one, TEMPLATE, now=now)


def with_conditions(one: dict[str, Any], **statuses: str) -> dict[str, Any]:
    one["status"]["conditions"] = [
        {"type": kind, "status": status, "lastTransitionTime": STAMP} for kind, status in statuses.items()
    ]
    return one


@pytest.mark.parametrize("where", ["worker", "beside", "before"])
@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("ErrImagePull", "ImageCannotBePulled"),
        ("InvalidImageName", "ImageCannotBePulled"),
        ("CreateContainerConfigError", "ContainerCannotStart"),
        ("CrashLoopBackOff", "ContainerCannotStart"),
        ("AWordOfALaterKubernetes", "ContainerCannotStart"),
    ],
)
def test_every_reason_of_every_container_is_said(where: str, word: str, reason: str) -> None:
    state = waiting(word)
    if where == "worker":
        found = why(pod("words-0-a", "Pending", worker=state))
    else:
        known: dict[str, Any] = {where: {"fetch": state}}
        found = why(pod("words-0-a", "Pending", worker=waiting("PodInitializing"), **known))
    assert found is not None
    assert found.reason == reason
    assert "so it is" in found.message
    assert ("container fetch" in found.message) == (where != "worker")


def test_a_hindrance_without_a_message_of_the_kubelet_is_its_reason() -> None:
    found = why(pod("words-0-a", "Pending", worker=waiting("CrashLoopBackOff", None)))
    assert found == Trouble(reason="ContainerCannotStart", message="pod words-0-a: CrashLoopBackOff")


@pytest.mark.parametrize("word", ["ContainerCreating", "PodInitializing"])
def test_what_passes_by_itself_is_no_hindrance(word: str) -> None:
    found = why(pod("words-0-a", "Pending", worker=waiting(word, None)))
    assert found == Trouble(reason=STARTING, message="pod words-0-a starts")


def test_the_init_container_that_a_worker_waits_for_is_named() -> None:
    before = {"first": ended(0), "download": RUNS}
    found = why(pod("words-0-a", "Pending", worker=waiting("PodInitializing", None), before=before))
    assert found == Trouble(reason=STARTING, message="pod words-0-a starts and waits for its container download")


def test_volumes_that_a_node_does_not_prepare_are_named() -> None:
    """A pod with a missing Secret stays at ContainerCreating. Without this rule, its job stays at Starting for ever."""
    stuck = pod("words-0-a", "Pending", worker=waiting("ContainerCreating", None))
    with_conditions(stuck, PodScheduled="True", PodReadyToStartContainers="False")
    soon, late = why(stuck, NOW + CREATION_SECONDS), why(stuck, NOW + CREATION_SECONDS + 1)
    assert soon is not None
    assert soon.reason == STARTING
    assert late is not None
    assert late.reason == "ContainerCannotStart"
    assert "it mounts Secret team-keys, PersistentVolumeClaim big)" in late.message
    assert "kubectl describe pod words-0-a" in late.message
    assert why(stuck, NOW + 999) == late, "a message that changes with the time would be written again and again"


def test_an_image_that_takes_long_to_pull_is_no_hindrance() -> None:
    pulls = pod("words-0-a", "Pending", worker=waiting("ContainerCreating", None))
    found = why(with_conditions(pulls, PodScheduled="True", PodReadyToStartContainers="True"), NOW + 3600)
    assert found is not None
    assert found.reason == STARTING


def test_a_pod_that_ends_in_its_time_is_no_hindrance_and_no_worker() -> None:
    workers = batch()
    leaving = pod("words-0-a", "Running", of=workers, deleted=STAMP)
    ready = conditions(reconcile(seen(job({"state": "MAP"}), batch=workers, pods=[leaving]), OPTIONS).actions)
    assert ready["WorkersReady"]["status"] == "False"
    assert ready["WorkersReady"]["message"] == "0 of 1 workers run; pod words-0-a is being deleted"


def test_a_pod_that_does_not_end_in_its_time_is_one_of_a_lost_node() -> None:
    """Without this rule, the status says Running although no worker runs."""
    workers = batch()
    leaving = pod("words-0-a", "Running", of=workers, deleted=STAMP)
    known = seen(job({"state": "MAP"}), batch=workers, pods=[leaving], now=NOW + OVERDUE_SECONDS + 1)
    ready = conditions(reconcile(known, OPTIONS).actions)["WorkersReady"]
    assert (ready["status"], ready["reason"]) == ("False", NODE_LOST)
    for part in ("pod words-0-a", STAMP, "kubectl describe node node-7"):
        assert part in ready["message"]


def test_a_lost_node_is_no_hindrance_any_more_when_another_pod_works_in_its_place() -> None:
    workers = batch()
    workers["spec"] |= {"completions": 2, "parallelism": 2}
    pods = [pod("words-0-a", "Running", of=workers, deleted=STAMP), pod("words-1-a", "Running", of=workers)]
    known = seen(job({"state": "MAP"}), batch=workers, pods=pods, now=NOW + OVERDUE_SECONDS + 1)
    ready = conditions(reconcile(known, OPTIONS).actions)["WorkersReady"]
    assert (ready["status"], ready["message"]) == ("True", "1 workers run")


def test_a_pod_whose_node_is_not_heard_of_does_not_run() -> None:
    """Kubernetes deletes such a pod only after five minutes."""
    workers = batch()
    cut_off = with_conditions(pod("words-0-a", "Running", of=workers), Ready="False", ContainersReady="True")
    ready = conditions(reconcile(seen(job({"state": "MAP"}), batch=workers, pods=[cut_off]), OPTIONS).actions)
    assert (ready["WorkersReady"]["status"], ready["WorkersReady"]["reason"]) == ("False", NODE_LOST)


def test_a_pod_whose_sidecar_is_not_ready_works() -> None:
    workers = batch()
    works = with_conditions(pod("words-0-a", "Running", of=workers), Ready="False")
    works["status"]["conditions"][0]["reason"] = "ContainersNotReady"
    ready = conditions(reconcile(seen(job({"state": "MAP"}), batch=workers, pods=[works]), OPTIONS).actions)
    assert ready["WorkersReady"]["reason"] == "Running"


def test_what_does_not_pass_is_said_before_what_does() -> None:
    workers = batch()
    pods = [pod("a", "Pending", waits="ContainerCreating"), pod("b", "Pending", waits="ErrImagePull")]
    found = first_hindrance(pods, workers, now=NOW)
    assert found is not None
    assert found.reason == "ImageCannotBePulled"
    late = stamp_of(NOW - 1)
    assert first_hindrance([pod("c", "Running"), pod("d", "Failed", late)], workers, now=NOW) is None
