"""Tests of the number of pods of the workers, and of its changes."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.board.stores import json_patch
from kubemr_shell.kube.resources import BATCH_JOBS
from kubemr_shell.operator.actions import Patch
from kubemr_shell.operator.hindrance import OVERDUE_SECONDS
from kubemr_shell.operator.manifests import QUEUE_LABEL
from kubemr_shell.operator.reconcile import reconcile
from tests.operator.observed import NOW, OPTIONS, STAMP, batch, job, pod, seen

LATE = NOW + OVERDUE_SECONDS + 1


def changes(document: dict[str, Any], **known: Any) -> list[dict[str, Any]]:
    """Return the changes of the batch Job of the workers."""
    actions = reconcile(seen(document, **known), OPTIONS).actions
    patches = [one for one in actions if isinstance(one, Patch) and one.resource is BATCH_JOBS]
    assert len(patches) <= 1, "the second would be refused: it tests the version that the first one has changed"
    return [dict(operation) for one in patches for operation in one.operations]


def size(count: int) -> list[dict[str, Any]]:
    return [dict(json_patch.add(f"/spec/{field}", count)) for field in ("completions", "parallelism")]


@pytest.mark.parametrize("count", [1, 7])
def test_replicas_that_change_while_a_job_runs_are_applied(count: int) -> None:
    workers = batch()
    workers["spec"] |= {"completions": 3, "parallelism": 3}
    found = changes(job({"state": "MAP"}, replicas=count), batch=workers)
    assert found == [
        json_patch.test("/metadata/uid", "words of new"),
        json_patch.replace("/metadata/resourceVersion", "11"),
        *size(count),
    ]
    workers["spec"] |= {"completions": count, "parallelism": count}
    assert not changes(job({"state": "MAP"}, replicas=count), batch=workers)


def test_replicas_and_suspension_change_together() -> None:
    found = changes(job({"state": "MAP"}, replicas=2, suspend=True), batch=batch())
    assert found[2:] == [json_patch.add("/spec/suspend", True), *size(2)]


def test_a_pod_of_a_lost_node_is_replaced_and_its_place_goes_when_it_has_ended() -> None:
    """A batch Job replaces a pod only after its end, and no kubelet confirms the end on a lost node."""
    workers = batch()
    lost = pod("words-0-a", "Running", of=workers, deleted=STAMP)
    assert not changes(job({"state": "MAP"}), batch=workers, pods=[lost])
    assert changes(job({"state": "MAP"}), batch=workers, pods=[lost], now=LATE)[2:] == size(2)
    workers["spec"] |= {"completions": 2, "parallelism": 2}
    other = pod("words-1-a", "Running", of=workers)
    assert not changes(job({"state": "MAP"}), batch=workers, pods=[lost, other], now=LATE)
    back = pod("words-0-a", "Failed", STAMP, of=workers, deleted=STAMP)
    assert changes(job({"state": "MAP"}), batch=workers, pods=[back, other], now=LATE)[2:] == size(1)


def test_a_queue_that_has_admitted_a_job_is_not_asked_again_for_a_lost_node() -> None:
    """Otherwise, the queue suspends all workers of the job until it has room for one more pod."""
    workers = batch()
    workers["metadata"]["labels"][QUEUE_LABEL] = "team"
    lost = pod("words-0-a", "Running", of=workers, deleted=STAMP)
    assert not changes(job({"state": "MAP"}), batch=workers, pods=[lost], now=LATE)
    assert changes(job({"state": "MAP"}, replicas=2), batch=workers)[2:] == size(2)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_batch_job_that_has_changed_since_it_was_seen_is_not_suspended_or_let_go(wanted: bool) -> None:
    present = batch()
    present["spec"]["suspend"] = not wanted
    decision = reconcile(seen(job({"state": "MAP"}, suspend=wanted), batch=present), OPTIONS)
    change = next(one for one in decision.actions if isinstance(one, Patch) and one.resource is BATCH_JOBS)
    assert [dict(one) for one in change.operations] == [
        json_patch.test("/metadata/uid", "words of new"),
        json_patch.replace("/metadata/resourceVersion", "11"),
        json_patch.add("/spec/suspend", wanted),
    ]
