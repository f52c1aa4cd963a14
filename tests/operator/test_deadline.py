"""Tests of the active deadline of a job."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.stamps import stamp_of
from kubemr_shell.operator.reconcile import reconcile
from tests.operator.observed import NOW, OPTIONS, batch, job, patch_of_status, seen

LIMIT = 60


def is_failed(status: dict[str, Any], **known: Any) -> bool:
    """Return whether a job that was deployed an hour ago fails because of its deadline."""
    document = job({"startTime": stamp_of(NOW - 3600), **status}, activeDeadlineSeconds=LIMIT)
    decision = reconcile(seen(document, **known), OPTIONS)
    assert decision.again_after is not None or decision.actions
    failures = [one["value"] for one in patch_of_status(decision.actions) if one["path"] == "/status/failure"]
    return [one["kind"] for one in failures] == ["DeadlineExceeded"]


def workers(*, suspended: bool = False, began: float | None = None) -> dict[str, Any]:
    found = batch("new", *(["Suspended"] if suspended else []))
    found["spec"]["suspend"] = suspended
    if began is not None:
        found["status"]["startTime"] = stamp_of(NOW - began)
    return found


def test_a_job_fails_when_its_workers_had_their_time() -> None:
    assert not is_failed({"state": "MAP"}, batch=workers(began=LIMIT - 1))
    assert is_failed({"state": "MAP"}, batch=workers(began=LIMIT + 1))


@pytest.mark.parametrize("began", [None, 3600.0])
def test_a_job_that_is_suspended_or_queued_has_all_its_time_before_it(began: float | None) -> None:
    """Such a job once failed before its queue had admitted any pod."""
    assert not is_failed({"state": "DEPLOYED"}, batch=workers(suspended=True, began=began))


def test_the_time_begins_anew_after_a_suspension() -> None:
    assert not is_failed({"state": "MAP"}, batch=workers(began=1))


def test_a_job_whose_workers_cannot_be_made_yet_has_not_begun() -> None:
    """The batch Job cannot be created because a quota is full."""
    decision = reconcile(
        seen(job({"state": "DEPLOYING", "startTime": stamp_of(NOW - 3600)}, activeDeadlineSeconds=LIMIT)), OPTIONS
    )
    assert not [one for one in decision.actions if getattr(one, "status", False)]
