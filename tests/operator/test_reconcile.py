"""Tests of the operator's decisions about a job."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_state import JobView, PlanFacts, format_status
from kubemr_shell.board.stores import json_patch
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.marks import RETRY_LABEL
from kubemr_shell.kube.resources import BATCH_JOBS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS
from kubemr_shell.kube.stamps import stamp_of
from kubemr_shell.operator.actions import Create, Decision, Delete, Tell
from kubemr_shell.operator.conditions import lacks_pods
from kubemr_shell.operator.observation import OutputOwner, Trouble
from kubemr_shell.operator.reconcile import FILES_SECONDS, reconcile
from kubemr_shell.operator.report import MOST_LOST
from tests.operator.observed import (
    NOW,
    OPTIONS,
    SPEC,
    STAMP,
    batch,
    conditions,
    conditions_of,
    deleted,
    job,
    made,
    patch_of_status,
    pod,
    seen,
    told,
)

OURS = OutputOwner(uid="new", name="words")


def test_the_first_status_is_that_of_the_job_that_was_seen() -> None:
    operations = patch_of_status(reconcile(seen(job(None)), OPTIONS).actions)
    assert operations[0] == json_patch.test("/metadata/uid", "new")
    assert operations[-1]["value"]["state"] == "PENDING"


def test_a_mended_job_begins_anew_only_while_it_stands_refused() -> None:
    """Another operator may have accepted the job and deployed its workers meanwhile."""
    refused = {"state": "FAIL", "failure": {"kind": "InvalidSpec"}, "observedGeneration": 1}
    *relied_on, change = patch_of_status(reconcile(seen(job(refused)), OPTIONS).actions)
    assert relied_on == [
        json_patch.test("/metadata/uid", "new"),
        json_patch.test("/status/state", "FAIL"),
        json_patch.test("/status/observedGeneration", 1),
    ]
    assert change["value"]["state"] == "PENDING"


@pytest.mark.parametrize("reason", ["NameTaken", "Starting"])
def test_a_job_that_waits_for_its_output_or_files_says_for_what(reason: str) -> None:
    """A PENDING job without a condition looks like a job without an operator."""
    trouble = Trouble(reason=reason, message="ConfigMap x is in the way")
    decision = reconcile(seen(job({"state": "PENDING"}), obstacle=trouble), OPTIONS)
    [condition] = next(one["value"] for one in patch_of_status(decision.actions) if one["path"] == "/status/conditions")
    assert (condition["type"], condition["status"], condition["reason"]) == ("WorkersReady", "False", reason)
    assert condition["message"] == trouble.message
    assert decision.again_after is not None


def test_files_that_are_not_sent_are_waited_for_and_then_asked_for() -> None:
    pending = job({"state": "PENDING"})
    pending["metadata"]["creationTimestamp"] = stamp_of(NOW - FILES_SECONDS + 1)
    waits = reconcile(seen(pending, files_are_missing=True), OPTIONS)
    assert not waits.actions
    assert waits.again_after is not None
    pending["metadata"]["creationTimestamp"] = stamp_of(NOW - FILES_SECONDS)
    failure = failure_of(reconcile(seen(pending, files_are_missing=True), OPTIONS))
    assert failure["kind"] == "FilesMissing"
    assert "To send them and start the job: kubemr-shell retry words -f JOB.yaml" in failure["reason"]


def failure_of(decision: Decision) -> dict[str, Any]:
    """Return the failure that a decision writes."""
    operations = patch_of_status(decision.actions)
    assert {"op": "replace", "path": "/status/state", "value": "FAIL"} in operations
    return next(one["value"] for one in operations if one["path"] == "/status/failure")


def test_an_output_of_another_job_fails_the_job_and_the_other_is_named() -> None:
    pending = seen(job({"state": "PENDING"}), output_owner=OutputOwner(uid="uid", name="sentences"))
    failure = failure_of(reconcile(pending, OPTIONS))
    assert failure["kind"] == "OutputInUse"
    assert "the output s3://results/words belongs to job sentences" in failure["reason"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"output": "/results"}, "spec.output: /results: must be an s3:// prefix in Kubernetes"),
        ({"output": "s3:///"}, "write s3://bucket/key"),
        ({"output": "s3://results/../words"}, "write to another place than they list"),
        ({"output": "s3://source/words/out"}, "is at or under the input s3://source/words: choose a prefix outside it"),
        ({"output": "s3://source", "inputs": ["s3://source/part-*"]}, "is at or under the input s3://source/part-*"),
    ],
)
def test_an_output_that_no_job_can_have_is_refused_also_at_another_try(spec: dict[str, Any], why: str) -> None:
    status = patch_of_status(reconcile(seen(job(None, **spec)), OPTIONS).actions)[-1]["value"]
    assert (status["state"], status["failure"]["kind"]) == ("FAIL", "InvalidSpec")
    assert why in status["failure"]["reason"]
    assert why in failure_of(reconcile(seen(job({"state": "PENDING"}, **spec)), OPTIONS))["reason"]


def test_workers_are_asked_for_again_while_something_of_their_name_is_in_the_way() -> None:
    decision = reconcile(seen(job({"state": "DEPLOYING"})), OPTIONS)
    assert [one.resource for one in decision.actions if isinstance(one, Create)][-1] is BATCH_JOBS
    assert decision.again_after is not None


def test_a_job_whose_workers_all_failed_fails() -> None:
    decision = reconcile(seen(job({"state": "MAP"}), batch=batch("new", "Failed")), OPTIONS)
    assert {"op": "replace", "path": "/status/state", "value": "FAIL"} in patch_of_status(decision.actions)


def test_a_job_that_publishes_gets_other_workers_when_all_have_failed() -> None:
    """Such a job can neither fail nor be retried. Without workers, it would never end."""
    publishing = job({"state": "PUBLISH", "publishing": True})
    failed = batch("new", "Failed", made="2027-01-15T07:59:00Z")
    decision = reconcile(seen(publishing, batch=failed), OPTIONS)
    counted, gone, why = decision.actions
    assert {"op": "add", "path": "/status/workersReplaced", "value": 1} in patch_of_status([counted])
    assert gone == Delete(resource=BATCH_JOBS, name="words", uid="words of new")
    assert isinstance(why, Tell)
    assert why.reason == "WorkersReplaced"

    failed["metadata"]["deletionTimestamp"] = STAMP
    assert not reconcile(seen(publishing, batch=failed), OPTIONS).actions
    assert reconcile(seen(publishing), OPTIONS).actions


def test_workers_that_fail_at_once_while_a_job_publishes_are_not_replaced_all_the_time() -> None:
    """Otherwise, a store that refuses the workers causes a pod and an Event every four seconds."""
    publishing = job({"state": "PUBLISH", "publishing": True})
    failed = batch("new", "Failed", made="2027-01-15T07:59:50Z")
    decision = reconcile(seen(publishing, batch=failed, pods=[pod("words-0-a", "Failed", STAMP, of=failed)]), OPTIONS)
    assert not [one for one in decision.actions if isinstance(one, Delete)]
    (conditions,) = (one["value"] for one in patch_of_status(decision.actions) if one["path"] == "/status/conditions")
    assert [one["reason"] for one in conditions if one["type"] == "WorkersReady"] == ["WorkerFailed"]
    assert decision.again_after == 20


@pytest.mark.parametrize(("replaced", "pause"), [(None, 30), (1, 60), (4, 480), (5, 600), (5000, 600)])
def test_workers_that_fail_again_and_again_while_a_job_publishes_are_replaced_ever_more_seldom(
    replaced: int | None, pause: int
) -> None:
    publishing = job({"state": "PUBLISH", "publishing": True, "workersReplaced": replaced})
    failed = batch("new", "Failed", made="2027-01-15T07:59:50Z")
    assert reconcile(seen(publishing, batch=failed), OPTIONS).again_after == pause - 10


def test_an_account_that_somebody_has_deleted_is_made_again_where_no_pod_is_left() -> None:
    old = batch("new", made="2027-01-15T07:59:00Z")
    ended, runs = pod("words-0-a", "Failed", STAMP, of=old), pod("words-0-b", "Running", of=old)
    assert not lacks_pods(seen(job({"state": "MAP"}), batch=batch("new"), pods=[ended])), "it may be on its way"
    assert not lacks_pods(seen(job({"state": "MAP"}), batch=old, pods=[ended, runs]))
    assert not lacks_pods(seen(job({"state": "FAIL"}), batch=old))
    lost = seen(job({"state": "MAP"}), batch=old, pods=[ended], account_is_missing=True)
    assert lacks_pods(lost)
    decision = reconcile(lost, OPTIONS)
    kinds = [one.resource for one in decision.actions if isinstance(one, Create)]
    assert kinds == [SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS]
    assert decision.again_after is not None


@pytest.mark.parametrize("status", [{"state": "MAP", "lost": []}, {"state": "FAIL"}])
def test_a_report_is_not_written_over_a_job_that_has_gone_on(status: dict[str, Any]) -> None:
    operations = patch_of_status(reconcile(seen(job(status), batch=batch()), OPTIONS).actions)
    assert operations[:2] == [
        json_patch.test("/metadata/uid", "new"),
        json_patch.test("/status/state", status["state"]),
    ]


@pytest.mark.parametrize("state", ["MAP", "FAIL", "CANCELLED"])
def test_the_conditions_are_those_of_the_spec_that_stands_there(state: str) -> None:
    """A retry or a cancellation changes the spec. Otherwise, ``kubectl wait`` for a condition never ends."""
    operations = patch_of_status(
        reconcile(seen(job({"state": state, "observedGeneration": 1}), batch=batch()), OPTIONS).actions
    )
    assert json_patch.add("/status/observedGeneration", 2) in operations
    asked = job({"state": "FAIL", "observedGeneration": 1}, retry=1)
    answered = patch_of_status(reconcile(seen(asked), OPTIONS).actions)
    assert json_patch.add("/status/observedGeneration", 2) not in answered, "its conditions are those of before"


def test_of_very_many_lost_workers_the_last_are_told_once() -> None:
    pods = [
        pod(f"w{number:04}", "Failed", f"2027-01-15T{23 - number // 60:02}:{59 - number % 60:02}:00Z")
        for number in range(700)
    ]
    document = job({"state": "MAP"})
    stated = patch_of_status(reconcile(seen(document, batch=batch(), pods=pods), OPTIONS).actions)
    lost = next(one["value"] for one in stated if one["path"] == "/status/lost")
    assert lost == [f"w{number:04}" for number in reversed(range(MOST_LOST))], "the last one at the end"

    again = job({"state": "MAP", "lost": lost, "conditions": conditions_of(stated)})
    assert not reconcile(seen(again, batch=batch(), pods=pods), OPTIONS).actions


def test_a_retried_job_that_was_never_deployed_has_nothing_to_clean_up() -> None:
    refused = {"state": "FAIL", "failure": {"kind": "OutputInUse"}, "observedGeneration": 2}
    operations = patch_of_status(reconcile(seen(job(refused, retry=1)), OPTIONS).actions)
    assert not [one for one in operations if one["path"] == "/status/startTime"]


def test_where_the_output_is_is_decided_with_the_deployment() -> None:
    pending = seen(job({"state": "PENDING"}, output="S3://results/words//"), output_owner=OURS)
    operations = patch_of_status(reconcile(pending, OPTIONS).actions)
    assert json_patch.add("/status/output", "s3://results/words") in operations


@pytest.mark.parametrize("is_planned", [False, True])
def test_another_try_may_have_another_output_only_if_nothing_was_planned(is_planned: bool) -> None:
    view = JobView(state=JobState.DEPLOYED, spec=SPEC)
    if is_planned:
        facts = PlanFacts(claim_id="c", tasks=1, partitions=1, spec=SPEC, fingerprint="", input_bytes=1)
        view = job_moves.record_plan(view, facts, 1)
    failed = format_status(job_moves.fail(view, {"kind": "CommandFailed"}))
    status = {**failed, "startTime": STAMP, "output": "s3://results/words"}
    operations = patch_of_status(reconcile(seen(job(status, retry=1)), OPTIONS).actions)
    assert (json_patch.add("/status/output", None) in operations) == (not is_planned)


DEPLOYING = {"state": "DEPLOYING", "startTime": STAMP}


@pytest.mark.parametrize("state", ["PENDING", "DEPLOYING"])
def test_what_is_in_the_way_of_the_workers_is_said_once(state: str) -> None:
    obstacle = Trouble(reason="NameTaken", message="Job words is in the way")
    first = reconcile(seen(job({**DEPLOYING, "state": state}), obstacle=obstacle), OPTIONS)
    assert not made(first.actions, BATCH_JOBS)
    ready = conditions(first.actions)["WorkersReady"]
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", obstacle.reason, obstacle.message)
    assert [(one.reason, one.warning) for one in told(first.actions)] == [("NameTaken", True)]

    again = job({**DEPLOYING, "state": state, "conditions": [ready]})
    assert not reconcile(seen(again, obstacle=obstacle), OPTIONS).actions


def test_a_wait_for_the_end_of_a_deleted_job_is_no_event() -> None:
    obstacle = Trouble(reason="Starting", message="waits until Role kubemr-words is removed")
    decision = reconcile(seen(job(DEPLOYING), obstacle=obstacle), OPTIONS)
    assert conditions(decision.actions)["WorkersReady"]["message"] == obstacle.message
    assert not told(decision.actions)


def test_the_names_of_a_retry_are_not_those_of_another_job() -> None:
    """``words-r1`` may be another job. The workers of two jobs must not be confused."""
    (first,) = made(reconcile(seen(job(DEPLOYING)), OPTIONS).actions, BATCH_JOBS)
    (second,) = made(reconcile(seen(job({**DEPLOYING, "retry": 1})), OPTIONS).actions, BATCH_JOBS)
    assert (first["metadata"]["name"], second["metadata"]["name"]) == ("words", "words-new-r1")
    assert second["metadata"]["labels"][RETRY_LABEL] == "1"


@pytest.mark.parametrize("state", ["PENDING", "DEPLOYING", "MAP", "COMPLETE"])
def test_the_workers_before_a_retry_are_ended(state: str) -> None:
    old = batch(name="words")
    retried = job({**DEPLOYING, "state": state, "retry": 1})
    assert deleted(reconcile(seen(retried, others=[old]), OPTIONS).actions) == ["words"]
    old["metadata"]["deletionTimestamp"] = STAMP
    assert "words" not in deleted(reconcile(seen(retried, others=[old], output_owner=OURS), OPTIONS).actions)


def test_workers_of_a_retry_that_this_operator_has_not_heard_of_are_left_alone() -> None:
    later = batch(name="words-new-r1", retry=1)
    known = batch(name="words")
    assert not deleted(reconcile(seen(job({"state": "MAP"}), batch=known, others=[later]), OPTIONS).actions)


def test_only_the_workers_of_this_retry_say_how_the_workers_are() -> None:
    present, old = batch(name="words-new-r1", retry=1), batch(name="words")
    pods = [pod("new-0", "Running", of=present), pod("old-0", "Pending", waits="ErrImagePull", of=old)]
    decision = reconcile(seen(job({"state": "MAP", "retry": 1}), batch=present, pods=pods), OPTIONS)
    assert conditions(decision.actions)["WorkersReady"]["reason"] == "Running"


def test_why_workers_fail_again_and_again_is_said_while_others_are_waited_for() -> None:
    """Six failures with growing pauses take ten minutes, and a job that publishes never stops."""
    present = batch()
    failed = pod("words-0-a", "Failed", STAMP, of=present)
    decision = reconcile(seen(job({"state": "PUBLISH"}), batch=present, pods=[failed]), OPTIONS)
    ready = conditions(decision.actions)["WorkersReady"]
    assert (ready["status"], ready["reason"]) == ("False", "WorkerFailed")
    assert ready["message"] == "0 of 1 workers run; the last failure: pod words-0-a ended with 1: "
    assert [one.reason for one in told(decision.actions)] == ["WorkerFailed"]


@pytest.mark.parametrize(("now", "reason"), [(NOW + 5, "Starting"), (NOW + 15, "CreationRefused")])
def test_workers_of_which_no_pod_is_made_are_not_starting(now: float, reason: str) -> None:
    """The cause is a quota or the pod security of the namespace. The Events of the batch Job name it."""
    decision = reconcile(seen(job({"state": "DEPLOYED"}), batch=batch(), now=now), OPTIONS)
    ready = conditions(decision.actions)["WorkersReady"]
    assert ready["reason"] == reason
    assert ("kubectl describe job words" in ready["message"]) == (reason == "CreationRefused")


def test_suspended_workers_have_no_pods_and_nothing_is_wrong() -> None:
    decision = reconcile(
        seen(job({"state": "DEPLOYED"}, suspend=True), batch=batch("new", "Suspended"), now=NOW + 99), OPTIONS
    )
    assert conditions(decision.actions)["WorkersReady"]["reason"] == "Starting"


def test_a_spec_that_was_made_wrong_is_said_and_workers_go_on() -> None:
    spoiled = job({"state": "MAP"}, mapCommand=5)
    decision = reconcile(seen(spoiled, batch=batch(), pods=[pod("gone", "Failed", STAMP)]), OPTIONS)
    ready = conditions(decision.actions)["WorkersReady"]
    assert ready["reason"] == "InvalidSpec"
    assert "spec.mapCommand: must be a string" in ready["message"]
    assert {"op": "add", "path": "/status/lost", "value": ["gone"]} in patch_of_status(decision.actions)
