"""Tests which objects are removed after the end of a job, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.kube.resources import SHARDS
from kubemr_shell.kube.stamps import stamp_of
from kubemr_shell.operator.actions import Action, Decision, DeleteAll
from kubemr_shell.operator.reconcile import LINGER_SECONDS, reconcile
from tests.operator.observed import NOW, OPTIONS, batch, deleted, job, seen

INSTALLATION = replace(OPTIONS, job_ttl=3600, pod_ttl=600)


def after(seconds: float, state: str = "FAIL", *, over: bool = True, **document: Any) -> Decision:
    """Return the actions ``seconds`` after the end of a job, with options that remove ended jobs and pods."""
    status = {"state": state, "completionTime": stamp_of(NOW - seconds), **document.pop("status", {})}
    workers = batch("new", *(["Failed"] if over else []))
    return reconcile(seen(job(status, **document), batch=workers), INSTALLATION)


def removes_job(decision: Decision) -> bool:
    return len(deleted(decision.actions)) > 0 and decision.again_after is None


@pytest.mark.parametrize(
    ("own", "seconds", "is_removed"),
    [({}, 3599, False), ({}, 3600, True), ({"ttlSecondsAfterFinished": 9999}, 3600, False)],
)
def test_a_job_without_a_time_of_its_own_has_that_of_the_installation(
    own: dict[str, Any], seconds: float, is_removed: bool
) -> None:
    assert removes_job(after(seconds, **own)) == is_removed


def test_pods_go_before_the_job_and_the_next_look_is_when_something_is_due() -> None:
    early = after(500)
    assert not deleted(early.actions)
    assert early.again_after == 100
    late = after(600)
    assert deleted(late.actions) == ["words"]
    assert late.again_after == 3000


def test_without_such_settings_pods_and_logs_stay_with_their_job() -> None:
    status = {"state": "FAIL", "completionTime": stamp_of(NOW - 10**7)}
    decision = reconcile(seen(job(status), batch=batch("new", "Failed")), OPTIONS)
    assert not deleted(decision.actions)
    assert decision.again_after is None


def test_workers_that_have_not_seen_the_end_are_removed_after_a_minute() -> None:
    assert not deleted(after(LINGER_SECONDS - 1, over=False).actions)
    assert deleted(after(LINGER_SECONDS, over=False).actions) == ["words"]


CLEANED = {"cleaned": True}


@pytest.mark.parametrize(
    ("state", "status", "seconds", "is_removed"),
    [
        ("COMPLETE", CLEANED, LINGER_SECONDS, True),
        ("COMPLETE", CLEANED, LINGER_SECONDS - 1, False),
        ("COMPLETE", {}, LINGER_SECONDS, False),
        ("COMPLETE", {**CLEANED, "shardsRemoved": True}, LINGER_SECONDS, False),
        ("FAIL", CLEANED, LINGER_SECONDS, False),
        ("CANCELLED", {}, LINGER_SECONDS, False),
    ],
)
def test_shards_go_when_no_retry_can_need_them(
    state: str, status: dict[str, Any], seconds: float, is_removed: bool
) -> None:
    """A retry of a failed job needs its shards. So does a new reduce of a job that has kept its maps."""
    document = job({"state": state, "completionTime": stamp_of(NOW - seconds), **status})
    if state == "COMPLETE" and status.get("cleaned"):
        document["metadata"]["finalizers"] = []
    decision = reconcile(seen(document), OPTIONS)
    found: list[Action] = [one for one in decision.actions if isinstance(one, DeleteAll)]
    wanted = DeleteAll(resource=SHARDS, labels="turbobytes.com/job=words,turbobytes.com/job-uid=new")
    assert found == ([wanted] if is_removed else [])
    if seconds < LINGER_SECONDS:
        assert decision.again_after == 1
