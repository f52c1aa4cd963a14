"""Tests that a job without any work is reported as stalled, and a job with long tasks is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_state import JobView, PlanFacts, format_status
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.status import Condition
from kubemr_shell.operator.conditions import wanted_conditions
from kubemr_shell.operator.progress_reader import SHORTEST_SECONDS, ProgressReader
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.stalls import StallWatch
from tests.operator.json_server import client_of_server
from tests.operator.observed import OPTIONS, SPEC, STAMP, batch, job, pod, seen, told
from tests.operator.test_progress_reader import MAPPING, Shards

PLAN = PlanFacts(claim_id="c", tasks=40, partitions=2, spec=SPEC, fingerprint="", input_bytes=1)
STATUS = format_status(job_moves.record_plan(JobView(state=JobState.DEPLOYED, spec=SPEC), PLAN, 1))
KEY = ("here", "words")


def stalled(is_stalled: bool | None, before: list[dict[str, Any]] | None = None, **known: Any) -> dict[str, Any] | None:
    """Return the condition Stalled that the job should have."""
    workers = batch("new", *known.pop("conditions", []))
    document = job({**STATUS, "startTime": STAMP, "conditions": before or []})
    runs = {"batch": workers, "pods": [pod("w", "Running", of=workers)], "is_stalled": is_stalled, **known}
    found = wanted_conditions(seen(document, **runs))
    return next((one for one in found if one["type"] == Condition.STALLED), None)


def test_what_an_operator_does_not_know_yet_stays_as_another_has_said_it() -> None:
    said = stalled(True)
    assert said is not None
    assert (said["status"], said["reason"]) == ("True", "NothingMoves")
    assert stalled(None) is None
    assert stalled(None, [said]) == said
    ended = stalled(False, [said])
    assert ended is not None
    assert (ended["status"], ended["reason"]) == ("False", "Moving")
    assert stalled(False) is None, "it never was"


def test_why_no_worker_runs_is_why_a_job_stands_still() -> None:
    workers = batch()
    said = stalled(True, batch=workers, pods=[pod("w", "Pending", waits="ErrImagePull", of=workers)])
    assert said is not None
    assert said["reason"] == "ImageCannotBePulled"
    assert "pod w" in said["message"]


@pytest.mark.parametrize("state", ["FAIL", "COMPLETE"])
def test_a_job_that_waits_for_a_queue_or_has_ended_does_not_stand_still(state: str) -> None:
    assert stalled(True, conditions=["Suspended"]) is None
    found = wanted_conditions(seen(job({"state": state}), is_stalled=True))
    assert Condition.STALLED not in {one["type"] for one in found}


def test_that_a_job_stands_still_is_told_by_one_warning() -> None:
    workers = batch()
    document = job({**STATUS, "startTime": STAMP})
    runs = {"batch": workers, "pods": [pod("w", "Running", of=workers)], "is_stalled": True}
    actions = reconcile(seen(document, **runs), OPTIONS).actions
    assert [(one.reason, one.warning) for one in told(actions) if one.reason == "NothingMoves"] == [
        ("NothingMoves", True)
    ]


def test_only_what_has_not_changed_for_the_whole_time_stands_still() -> None:
    now = 0.0
    watch = StallWatch(600, clock=lambda: now)
    assert watch.is_stalled(KEY, "a") is None
    now = 599
    assert watch.is_stalled(KEY, "a") is None, "an operator that began a moment ago knows nothing"
    now = 600
    assert watch.is_stalled(KEY, "a") is True
    assert watch.is_stalled(KEY, "b") is False
    now = 1199
    assert watch.is_stalled(KEY, "b") is False
    now = 1200
    assert watch.is_stalled(KEY, "b") is True
    watch.forget(KEY)
    assert watch.is_stalled(KEY, "b") is None


def test_a_renewal_of_a_claim_is_work_though_no_task_is_done() -> None:
    shards = Shards()
    versions = iter(range(100))

    def answer(path: str) -> dict[str, Any]:
        found = shards.answer(path)
        found["items"][0]["metadata"]["resourceVersion"] = str(next(versions))
        return found

    now = 0.0
    with client_of_server(answer) as client:
        reader = ProgressReader(client, clock=lambda: now)
        assert reader.activity(*KEY) == 0
        first = reader.read(*KEY, "u", MAPPING)
        before = reader.activity(*KEY)
        now += SHORTEST_SECONDS
        second = reader.read(*KEY, "u", replace(MAPPING))
        assert reader.activity(*KEY) != before
    assert first is not None
    assert second is not None
    assert first.tasks_done == second.tasks_done
