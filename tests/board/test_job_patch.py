"""Tests of the patches between two states of a job: the values that they test and change."""

from __future__ import annotations

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import format_status, parse_job
from kubemr_shell.board.stores import json_patch
from kubemr_shell.job.state import JobState, Phase
from tests.board.test_job_moves import FACTS, MAPS, ME, close, job, unplanned


def test_every_patch_tests_the_state_that_it_leaves_and_raises_the_turn() -> None:
    before = job("MAP")
    patch = job_patch("u", before, job_moves.cancel(before))
    assert [(item["path"], item["value"]) for item in patch] == [
        ("/metadata/uid", "u"),
        ("/status/state", "MAP"),
        ("/status/turn", 8),
        ("/status/state", "CANCELLED"),
        ("/status/turn", 9),
    ]


def test_a_closing_leaves_other_lanes_and_the_job_alone() -> None:
    before = job("MAP")
    patch = job_patch("u", before, close(Phase.MAP, 1)(before))
    assert [(item["path"], item["value"]) for item in patch if item["op"] == "test"] == [
        ("/metadata/uid", "u"),
        ("/status/state", "MAP"),
        ("/status/lanes/map/1/turn", 0),
    ]
    assert [item["path"] for item in patch if item["op"] != "test"] == ["/status/lanes/map/1"]


def test_the_closing_that_moves_the_job_on_is_tested_by_its_turn_too() -> None:
    before = job("MAP", {"map": "0"})
    patch = job_patch("u", before, close(Phase.MAP, 1)(before))
    tested = [item["path"] for item in patch if item["op"] == "test"]
    assert tested == ["/metadata/uid", "/status/state", "/status/lanes/map/1/turn", "/status/turn"]


def test_two_closings_may_both_be_the_last_of_a_phase() -> None:
    """Each closing tests only its own lane, so both land. The next worker moves the job to the next phase."""
    before = job("MAP")
    document = {"metadata": {"uid": "u"}, "spec": before.spec, "status": format_status(before)}
    for shard in (0, 1):
        document = json_patch.apply(document, job_patch("u", before, close(Phase.MAP, shard)(before)))
    both = parse_job(document)
    assert both.state is JobState.MAP
    assert job_moves.catch_up(both).state is JobState.REDUCE
    assert job_moves.catch_up(job("FAIL", MAPS)).state is JobState.FAIL


def test_a_role_is_tested_by_who_uses_it_and_with_its_heartbeat_by_who_takes_it() -> None:
    before = unplanned("DEPLOYED", planner=ME)
    used = job_patch("u", before, job_moves.record_plan(before, FACTS, 1), holds="planner")
    taken = job_patch("u", before, job_moves.take_role(before, "planner", None), expired="planner")
    assert [item["path"] for item in used if item["op"] == "test"][3:] == ["/status/planner/id"]
    assert [item["path"] for item in taken if item["op"] == "test"][3:] == ["/status/planner/id", "/status/planner/hb"]


def test_a_retry_of_a_job_without_a_plan_replaces_its_spec() -> None:
    before = unplanned("FAIL", failure={"reason": "r"})
    after = job_moves.retry(before, {"a": 2})
    document = {"metadata": {"uid": "u"}, "spec": {"a": 1}, "status": format_status(before)}
    patched = json_patch.apply(document, job_patch("u", before, after))
    assert parse_job(patched).spec == {"a": 2}
