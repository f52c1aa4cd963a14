"""Tests that a change of the spec without effect, or without effect yet, is reported."""

from __future__ import annotations

from typing import Any

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_state import JobView, PlanFacts, format_status
from kubemr_shell.board.stores import json_patch
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.marks import SPEC_ANNOTATION
from kubemr_shell.kube.resources import BATCH_JOBS
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.spec_changes import changed_of_pods, noted_spec
from tests.operator.observed import OPTIONS, SPEC, batch, conditions, job, made, patch_of_status, seen, told

HELD = {"state": "CANCELLED", "observedRetry": 0}


def decided(status: dict[str, Any], **known: Any) -> list[Any]:
    spec = known.pop("spec", {})
    return list(reconcile(seen(job(status, **spec), **known), OPTIONS).actions)


def test_a_retry_waits_until_nothing_cancels_it() -> None:
    """Otherwise, the new try is cancelled as soon as it begins, without any message."""
    operations = patch_of_status(decided(HELD, spec={"cancel": True, "retry": 1}))
    (refused,) = (one["value"] for one in operations if one["path"] == "/status/retryRefused")
    assert (refused["retry"], refused["reason"]) == (1, "CancelIsSet")
    assert """patch mapreducejob words --type=merge -p '{"spec":{"cancel":false}}'""" in refused["message"]
    assert [one["path"] for one in operations if one["op"] != "test"] == ["/status/retryRefused"]

    said = {**HELD, "retryRefused": refused}
    assert conditions(decided(said, spec={"cancel": True, "retry": 1}))["RetryRefused"]["reason"] == "CancelIsSet"
    begun = patch_of_status(decided(said, spec={"retry": 1}))
    assert json_patch.add("/status/observedRetry", 1) in begun
    assert json_patch.add("/status/retryRefused", None) in begun
    taken_back = patch_of_status(decided(said, spec={"cancel": True}))
    assert taken_back[-1] == json_patch.add("/status/retryRefused", None)


def test_a_job_that_runs_is_cancelled_before_its_retry_is_looked_at() -> None:
    operations = patch_of_status(decided({"state": "MAP"}, batch=batch(), spec={"cancel": True, "retry": 1}))
    assert json_patch.replace("/status/state", "CANCELLED") in operations


def noting(**spec: Any) -> dict[str, Any]:
    """Return a batch Job of workers that was made for a spec."""
    workers = batch()
    workers["metadata"]["annotations"] = {SPEC_ANNOTATION: noted_spec({**SPEC, **spec})}
    return workers


def test_the_workers_note_the_spec_for_which_they_are_made() -> None:
    (document,) = (one for one in made_workers(image="one") if one["metadata"]["name"] == "words")
    assert changed_of_pods({**SPEC, "image": "one"}, document) == set()
    assert changed_of_pods({**SPEC, "image": "two"}, document) == {"image"}
    assert changed_of_pods({**SPEC, "replicas": 7}, document) == {"image"}


def made_workers(**spec: Any) -> list[Any]:
    return made(decided({"state": "DEPLOYING"}, spec=spec), BATCH_JOBS)


def test_a_change_that_no_worker_follows_is_said_once() -> None:
    """Otherwise, the generation counts as observed although the change has no effect."""
    workers = noting(template={"spec": {"nodeName": "a"}})
    actions = decided({"state": "MAP"}, batch=workers, spec={"image": "other", "replicas": 1, "suspend": False})
    stated = conditions(actions)["NotApplied"]
    assert (stated["status"], stated["reason"]) == ("True", "WorkersExist")
    assert "old values of image, template of the spec" in stated["message"]
    assert "kubemr-shell cancel words && kubemr-shell retry words" in stated["message"]
    assert [one.reason for one in told(actions)] == ["WorkersExist"]
    back = decided({"state": "MAP", "conditions": [stated]}, batch=noting())
    assert conditions(back)["NotApplied"]["reason"] == "Applied"


def test_a_change_of_what_was_planned_is_said() -> None:
    """Until the job has a plan, such a change takes effect."""
    assert "NotApplied" not in conditions(decided({"state": "DEPLOYED"}, batch=noting(), spec={"mapCommand": "sort"}))
    facts = PlanFacts(claim_id="c", tasks=1, partitions=1, spec=SPEC, fingerprint="", input_bytes=1)
    planned = format_status(job_moves.record_plan(JobView(state=JobState.DEPLOYED, spec=SPEC), facts, 1))
    assert "NotApplied" not in conditions(decided(planned, batch=noting()))
    changed = {"mapCommand": "sort", "timeoutSeconds": 5, "output": "s3://results/other"}
    stated = conditions(decided(planned, batch=noting(), spec=changed))
    assert "old values of mapCommand, output, timeoutSeconds of the spec" in stated["NotApplied"]["message"]
    assert "NotApplied" not in conditions(decided(planned, batch=noting(), spec={"output": "s3://results/words/"}))


def test_what_the_operator_follows_is_no_change_and_neither_are_workers_of_an_older_operator() -> None:
    followed = {"replicas": 1, "suspend": False, "retry": 0, "activeDeadlineSeconds": 5, "cancel": False}
    assert "NotApplied" not in conditions(decided({"state": "MAP"}, batch=noting(), spec=followed))
    assert "NotApplied" not in conditions(decided({"state": "MAP"}, batch=batch(), spec={"image": "other"}))


def test_a_cancellation_that_comes_too_late_is_said() -> None:
    actions = decided({"state": "PUBLISH", "publishing": True}, batch=batch(), spec={"cancel": True})
    stated = conditions(actions)["NotApplied"]
    assert (stated["status"], stated["reason"]) == ("True", "CancelTooLate")


def test_replicas_stay_where_requests_are_divided_among_them_and_that_is_said() -> None:
    """Each worker has a fixed share of s3.maxRequestsPerSecond. So more workers would send more requests."""
    limited = {"s3": {"maxRequestsPerSecond": 100}, "replicas": 2}
    (workers,) = made_workers(**limited)
    workers = {**batch(), "metadata": {**batch()["metadata"], "annotations": workers["metadata"]["annotations"]}}
    workers["spec"] |= {"completions": 2, "parallelism": 2}
    actions = decided({"state": "MAP"}, batch=workers, spec={**limited, "replicas": 3})
    assert conditions(actions)["NotApplied"]["message"].startswith("the workers still use the old values of replicas")
    assert not [one for one in actions if getattr(one, "resource", None) is BATCH_JOBS]
