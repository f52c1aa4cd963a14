"""Tests of pods that have more containers than ours."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.resources import BATCH_JOBS, PODS
from kubemr_shell.operator.actions import Patch
from kubemr_shell.operator.pods import end_of, has_failed, has_succeeded, is_alive, is_held_by_others, lost_workers
from kubemr_shell.operator.reconcile import reconcile
from tests.operator.observed import (
    OPTIONS,
    RUNS,
    STAMP,
    batch,
    conditions,
    ended,
    job,
    made,
    patch_of_status,
    pod,
    seen,
    waiting,
)

MAP = {"state": "MAP", "startTime": STAMP}


def ends(actions: Any) -> list[str]:
    """Return the names of the pods that the actions end."""
    patches = [one for one in actions if isinstance(one, Patch) and one.resource is PODS]
    assert all({"op": "add", "path": "/spec/activeDeadlineSeconds", "value": 1} in one.operations for one in patches)
    return [one.name for one in patches]


def test_a_dead_worker_beside_a_live_sidecar_is_lost_and_its_pod_is_ended() -> None:
    """Otherwise, the claims of the worker last until their leases end, and no pod replaces it."""
    workers = batch()
    dead = pod("words-0-a", "Running", worker=ended(137, reason="OOMKilled"), beside={"proxy": RUNS}, of=workers)
    actions = reconcile(seen(job(MAP), batch=workers, pods=[dead]), OPTIONS).actions
    assert {"op": "add", "path": "/status/lost", "value": ["words-0-a"]} in patch_of_status(actions)
    assert conditions(actions)["WorkersReady"]["reason"] == "OOMKilled"
    assert ends(actions) == ["words-0-a"]


def test_a_pod_that_is_being_ended_is_not_ended_again() -> None:
    workers = batch()
    dead = pod("words-0-a", "Running", worker=ended(1), beside={"proxy": RUNS}, of=workers)
    dead["spec"]["activeDeadlineSeconds"] = 1
    leaving = pod("words-0-b", "Running", worker=ended(1), beside={"proxy": RUNS}, of=workers, deleted=STAMP)
    assert not ends(reconcile(seen(job(MAP), batch=workers, pods=[dead, leaving]), OPTIONS).actions)


@pytest.mark.parametrize(
    "others",
    [
        {"before": {"proxy": RUNS}},
        {"beside": {"proxy": ended(0)}},
        {},
    ],
)
def test_a_pod_that_ends_by_itself_is_left_alone(others: dict[str, Any]) -> None:
    """The kubelet ends native sidecars (restartable init containers) by itself."""
    dead = pod("words-0-a", "Running", worker=ended(1), **others)
    assert not is_alive(dead)
    assert lost_workers([dead]) == ["words-0-a"]
    assert not is_held_by_others(dead)


def test_a_worker_that_has_done_its_work_beside_a_live_sidecar_is_not_replaced() -> None:
    done = pod("words-0-a", "Running", worker=ended(0), beside={"proxy": RUNS})
    assert has_succeeded(done)
    assert not is_held_by_others(done)


def test_a_sidecar_that_fails_makes_no_worker_fail() -> None:
    done = pod("words-0-a", "Failed", worker=ended(0), beside={"proxy": ended(2)})
    assert has_succeeded(done)
    works = pod("words-0-b", "Running", beside={"proxy": ended(2)})
    assert is_alive(works)
    assert not has_failed(works)


def test_a_worker_works_though_a_container_beside_it_cannot_start() -> None:
    """The phase of such a pod is Pending."""
    works = pod("words-0-a", "Pending", worker=RUNS, beside={"proxy": waiting("ImagePullBackOff")}, of=batch())
    actions = reconcile(seen(job(MAP), batch=batch(), pods=[works]), OPTIONS).actions
    assert conditions(actions)["WorkersReady"]["reason"] == "Running"


def test_only_exit_codes_of_our_container_make_a_worker_hopeless() -> None:
    """Otherwise, a sidecar that ends with exit code 2 fails the job at once."""
    (document,) = made(reconcile(seen(job({"state": "DEPLOYING", "startTime": STAMP})), OPTIONS).actions, BATCH_JOBS)
    rules = document["spec"]["podFailurePolicy"]["rules"]
    (codes,) = (one["onExitCodes"] for one in rules if "onExitCodes" in one)
    assert codes["containerName"] == "worker"


def test_the_container_that_has_ended_a_pod_before_its_worker_began_is_named() -> None:
    failed = pod("words-0-a", "Failed", worker=waiting("PodInitializing"), before={"fetch": ended(9, message="no key")})
    assert has_failed(failed)
    assert end_of(failed).message == "pod words-0-a, container fetch, ended with 9: no key"


def test_a_worker_is_blamed_before_a_sidecar_that_was_ended_after_it() -> None:
    failed = pod("words-0-a", "Failed", worker=ended(7, message="a bug"), beside={"proxy": ended(137)})
    assert end_of(failed).message == "pod words-0-a ended with 7: a bug"


def test_a_worker_that_ends_because_its_pod_was_deleted_has_not_failed() -> None:
    """Otherwise, fewer replicas or a drained node cause Events with the reason WorkerFailed."""
    assert not has_failed(pod("words-2-a", "Running", worker=ended(143), deleted=STAMP))
    assert has_failed(pod("words-2-a", "Running", worker=ended(7), deleted=STAMP))
    assert has_failed(pod("words-2-a", "Failed", worker=ended(143)))
    evicted = pod("words-2-a", "Running", worker=ended(143), deleted=STAMP)
    evicted["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True", "message": "drained"}]
    assert has_failed(evicted)
    assert end_of(evicted).reason == "Evicted"
