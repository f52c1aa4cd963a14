"""What the operator decides about a job, from what it sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubemr_shell.board import json_patch
from kubemr_shell.job.validate import API_VERSION, KIND
from kubemr_shell.kube.resources import BATCH_JOBS, CONFIG_MAPS, SERVICE_ACCOUNTS
from kubemr_shell.operator.actions import Create, Delete, Patch, Tell
from kubemr_shell.operator.deletion import FINALIZER
from kubemr_shell.operator.observation import Observation, owned, stamp_of
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.reconcile import FILES_SECONDS, MOST_LOST, reconcile

NOW = 1_800_000_000.0
STAMP = "2027-01-15T08:00:00Z"
OPTIONS = OperatorOptions()
SPEC: dict[str, Any] = {"inputs": ["s3://in/words"], "mapCommand": "cat", "output": "s3://out/words"}


def job(status: Mapping[str, Any] | None, *, deleted: bool = False, **spec: Any) -> dict[str, Any]:
    metadata = {
        "name": "words",
        "namespace": "here",
        "uid": "new",
        "generation": 2,
        "resourceVersion": "7",
        "finalizers": [FINALIZER],
        **({"deletionTimestamp": STAMP} if deleted else {}),
    }
    stated = {} if status is None else {"status": dict(status)}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": {**SPEC, **spec}, **stated}


def batch(uid: str = "new", *conditions: str, name: str = "words") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": f"batch of {uid}", "ownerReferences": [{"uid": uid}]},
        "spec": {"parallelism": 1},
        "status": {"conditions": [{"type": one, "status": "True"} for one in conditions]},
    }


def pod(name: str, phase: str, finished: str = "") -> dict[str, Any]:
    ended = {"state": {"terminated": {"exitCode": 1, "finishedAt": finished}}}
    return {"metadata": {"name": name}, "status": {"phase": phase, "containerStatuses": [ended] if finished else []}}


def seen(document: Mapping[str, Any], **known: Any) -> Observation:
    return Observation(**{"job": document, "batch": None, "cleanup": None, "now": NOW, **known})


def patch_of_status(actions: Any) -> list[dict[str, Any]]:
    return [dict(one) for one in next(one for one in actions if isinstance(one, Patch) and one.status).operations]


def test_the_first_status_is_that_of_the_job_that_was_seen() -> None:
    operations = patch_of_status(reconcile(seen(job(None)), OPTIONS).actions)
    assert operations[0] == json_patch.test("/metadata/uid", "new")
    assert operations[-1]["value"]["state"] == "PENDING"


def test_a_mended_job_begins_anew_only_while_it_stands_refused() -> None:
    """Another operator may have begun it, and deployed its workers, since this one looked."""
    refused = {"state": "FAIL", "failure": {"kind": "InvalidSpec"}, "observedGeneration": 1}
    *relied_on, change = patch_of_status(reconcile(seen(job(refused)), OPTIONS).actions)
    assert relied_on == [
        json_patch.test("/metadata/uid", "new"),
        json_patch.test("/status/state", "FAIL"),
        json_patch.test("/status/observedGeneration", 1),
    ]
    assert change["value"]["state"] == "PENDING"


def test_an_output_of_a_job_that_is_gone_is_waited_for() -> None:
    pending = job({"state": "PENDING"})
    decision = reconcile(seen(pending, output_owner="old", output_owner_is_gone=True), OPTIONS)
    assert not decision.actions
    assert decision.again_after is not None


def test_files_that_are_not_sent_are_waited_for_and_then_asked_for() -> None:
    pending = job({"state": "PENDING"})
    pending["metadata"]["creationTimestamp"] = stamp_of(NOW - FILES_SECONDS + 1)
    waits = reconcile(seen(pending, files_are_missing=True), OPTIONS)
    assert not waits.actions
    assert waits.again_after is not None
    pending["metadata"]["creationTimestamp"] = stamp_of(NOW - FILES_SECONDS)
    operations = patch_of_status(reconcile(seen(pending, files_are_missing=True), OPTIONS).actions)
    failure = next(one["value"] for one in operations if one["path"] == "/status/failure")
    assert failure["kind"] == "FilesMissing"
    assert "kubemr-shell retry words -f JOB.yaml sends them" in failure["reason"]


def test_an_output_of_another_job_fails_the_job() -> None:
    operations = patch_of_status(reconcile(seen(job({"state": "PENDING"}), output_owner="other"), OPTIONS).actions)
    assert {"op": "replace", "path": "/status/state", "value": "FAIL"} in operations


def test_a_batch_job_of_an_older_job_of_the_name_is_not_taken_for_its_own() -> None:
    assert owned(batch("old"), job(None)) is None
    assert owned(None, job(None)) is None
    assert owned(mine := batch("new"), job(None)) is mine


def test_workers_are_asked_for_again_while_something_of_their_name_is_in_the_way() -> None:
    decision = reconcile(seen(job({"state": "DEPLOYING"})), OPTIONS)
    assert [one.resource for one in decision.actions if isinstance(one, Create)][-1] is BATCH_JOBS
    assert decision.again_after is not None


def test_a_job_whose_workers_all_failed_fails() -> None:
    decision = reconcile(seen(job({"state": "MAP"}), batch=batch("new", "Failed")), OPTIONS)
    assert {"op": "replace", "path": "/status/state", "value": "FAIL"} in patch_of_status(decision.actions)


def test_a_job_that_publishes_gets_other_workers_when_all_have_failed() -> None:
    """It can neither fail nor be retried: without workers it would stand there for ever."""
    publishing = job({"state": "PUBLISH", "publishing": True})
    failed = batch("new", "Failed")
    decision = reconcile(seen(publishing, batch=failed), OPTIONS)
    gone, told = decision.actions
    assert gone == Delete(resource=BATCH_JOBS, name="words", uid="batch of new")
    assert isinstance(told, Tell)
    assert told.reason == "WorkersReplaced"

    failed["metadata"]["deletionTimestamp"] = STAMP
    assert not reconcile(seen(publishing, batch=failed), OPTIONS).actions
    assert reconcile(seen(publishing), OPTIONS).actions


@pytest.mark.parametrize("status", [{"state": "MAP", "lost": []}, {"state": "FAIL"}])
def test_a_report_is_not_written_over_a_job_that_has_gone_on(status: dict[str, Any]) -> None:
    operations = patch_of_status(reconcile(seen(job(status), batch=batch()), OPTIONS).actions)
    assert operations[:2] == [
        json_patch.test("/metadata/uid", "new"),
        json_patch.test("/status/state", status["state"]),
    ]


def test_of_very_many_lost_workers_the_last_are_told_once() -> None:
    pods = [
        pod(f"w{number:04}", "Failed", f"2027-01-15T{23 - number // 60:02}:{59 - number % 60:02}:00Z")
        for number in range(700)
    ]
    document = job({"state": "MAP"})
    told = patch_of_status(reconcile(seen(document, batch=batch(), pods=pods), OPTIONS).actions)
    lost = next(one["value"] for one in told if one["path"] == "/status/lost")
    assert lost == [f"w{number:04}" for number in range(MOST_LOST)]

    conditions = next(one["value"] for one in told if one["path"] == "/status/conditions")
    again = job({"state": "MAP", "lost": lost, "conditions": conditions})
    assert not reconcile(seen(again, batch=batch(), pods=pods), OPTIONS).actions


def test_a_retried_job_that_was_never_deployed_has_nothing_to_clean_up() -> None:
    refused = {"state": "FAIL", "failure": {"kind": "OutputInUse"}, "observedGeneration": 2}
    operations = patch_of_status(reconcile(seen(job(refused, retry=1)), OPTIONS).actions)
    assert not [one for one in operations if one["path"] == "/status/startTime"]


def test_the_cleanup_of_a_job_without_an_account_makes_one() -> None:
    deleted = job({"state": "DEPLOYING", "startTime": STAMP}, deleted=True)
    made = [one for one in reconcile(seen(deleted), OPTIONS).actions if isinstance(one, Create)]
    assert made[0].resource is SERVICE_ACCOUNTS
    assert made[-1].document["metadata"]["name"] == "words-cleanup"
    assert CONFIG_MAPS not in [one.resource for one in made]


def test_a_cleanup_reaches_the_store_as_the_workers_did() -> None:
    s3 = {"endpoint": "https://store", "caBundle": "/ca.pem", "pathStyle": "never", "requesterPays": True}
    deleted = job({"state": "FAIL", "startTime": STAMP}, deleted=True, s3=s3)
    made = [one for one in reconcile(seen(deleted), OPTIONS).actions if isinstance(one, Create)]
    arguments = made[-1].document["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-5:] == ["--path-style", "never", "--ca-bundle", "/ca.pem", "--requester-pays"]


def test_a_cleanup_that_failed_lets_the_job_go_before_anything_is_told() -> None:
    deleted = job({"state": "FAIL", "startTime": STAMP}, deleted=True)
    release, told = reconcile(seen(deleted, cleanup=batch("new", "Failed", name="words-cleanup")), OPTIONS).actions
    assert isinstance(release, Patch)
    assert isinstance(told, Tell)
