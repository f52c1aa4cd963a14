"""Tests of the moves of a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import JobView, PlanFacts, Role, format_status, parse_job
from kubemr_shell.board.lane import Lane, Totals
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import Reopening
from kubemr_shell.board.stores import json_patch
from kubemr_shell.errors import IllegalTransition
from kubemr_shell.job.counters import Counters
from kubemr_shell.job.state import ENDED, JobState, Phase

FACTS = PlanFacts(claim_id="p", tasks=1300, partitions=1500, spec={"a": 1}, fingerprint="f", input_bytes=5)
PLAN = FACTS.with_layouts(workers=1)
ME = Role(worker="me", id="i", beat=3)
EVERY_PHASE = tuple(Phase)
LANES = {phase: {0: Lane(), 1: Lane()} for phase in EVERY_PHASE}


def job(state: str, closed: Mapping[str, str] | None = None, **changes: Any) -> JobView:
    """Return a planned job with two shards in each phase, each in its own lane."""
    view = JobView(**{"state": JobState(state), "spec": {"a": 1}, "plan": PLAN, "lanes": LANES, "turn": 8, **changes})
    for phase, text in (closed or {}).items():
        for shard in Ranges.parse(text):
            view = replace(view, lanes=close(Phase(phase), shard)(view).lanes)
    return view


def unplanned(state: str, **changes: Any) -> JobView:
    return JobView(state=JobState(state), spec={"a": 1}, **changes)


def close(phase: Phase, shard: int) -> Callable[[JobView], JobView]:
    return lambda view: job_moves.close(view, phase=phase, shard=shard, counters={}, totals={}, finisher=ME)


def reopen(phase: Phase, shard: int) -> Callable[[JobView], JobView]:
    return lambda view: job_moves.reopen(view, phase=phase, shard=shard, spoiled=[(7, 2)])


def retry(view: JobView) -> JobView:
    return job_moves.retry(view, None)


def redo(view: JobView) -> JobView:
    return job_moves.redo_reduces(view, {"b": 2})


def reduce_anew(view: JobView) -> JobView:
    return job_moves.reduce_anew(view, {"b": 2})


MAPS, ALL = {"map": "0-1"}, {"map": "0-1", "reduce": "0-1"}
PUBLISHING: Mapping[str, Any] = {"publishing": True}

STATES = [
    (unplanned("PENDING"), job_moves.deploy, "DEPLOYING"),
    (unplanned("DEPLOYING"), job_moves.deploy, "DEPLOYED"),
    (unplanned("DEPLOYED"), job_moves.deploy, "DEPLOYED"),
    (unplanned("DEPLOYED"), lambda view: job_moves.record_plan(view, FACTS, 1), "MAP"),
    (job("MAP"), close(Phase.MAP, 0), "MAP"),
    (job("MAP", {"map": "0"}), close(Phase.MAP, 1), "REDUCE"),
    (job("REDUCE", {"map": "0-1", "reduce": "1"}), close(Phase.REDUCE, 0), "PUBLISH"),
    (job("MAP", {"map": "0", "reduce": "0"}), close(Phase.MAP, 1), "REDUCE"),
    (job("REDUCE", MAPS), reopen(Phase.MAP, 1), "MAP"),
    (job("PUBLISH", ALL, **PUBLISHING), reopen(Phase.REDUCE, 1), "REDUCE"),
    (job("MAP"), job_moves.cancel, "CANCELLED"),
    (job("CANCELLED"), job_moves.cancel, "CANCELLED"),
    (job("FAIL", MAPS), retry, "PENDING"),
    (job("CANCELLED"), retry, "PENDING"),
    (job("MAP"), retry, "MAP"),
    (job("DEPLOYED", MAPS), job_moves.go_on, "REDUCE"),
    (job("REDUCE", MAPS), redo, "REDUCE"),
    (job("MAP"), redo, "MAP"),
    (job("FAIL", MAPS), redo, "PENDING"),
    (unplanned("DEPLOYED"), redo, "DEPLOYED"),
    (job("PUBLISH", ALL), lambda view: job_moves.complete(view, {}), "COMPLETE"),
    (job("COMPLETE", ALL, **PUBLISHING), reduce_anew, "PENDING"),
]


@pytest.mark.parametrize(("before", "move", "expected"), STATES)
def test_where_a_move_leads(before: JobView, move: Callable[[JobView], JobView], expected: str) -> None:
    assert move(before).state == expected


REFUSED = [
    (job("PUBLISH", ALL, **PUBLISHING), job_moves.cancel),
    (job("REDUCE", MAPS, **PUBLISHING), job_moves.cancel),
    (job("COMPLETE", ALL), job_moves.cancel),
    (job("FAIL"), job_moves.cancel),
    (job("REDUCE", MAPS, **PUBLISHING), lambda view: job_moves.fail(view, {})),
    (job("CANCELLED"), lambda view: job_moves.fail(view, {})),
    (job("COMPLETE", ALL), retry),
    (job("PUBLISH", ALL, **PUBLISHING), redo),
    (job("PUBLISH", ALL, **PUBLISHING), reduce_anew),
    (job("FAIL", ALL), reduce_anew),
    (job("COMPLETE", MAPS, plan=replace(PLAN, partitions=0)), reduce_anew),
    (job("COMPLETE", ALL, cleaned=True), reduce_anew),
    (job("MAP"), job_moves.cleaned),
    (job("MAP"), lambda view: job_moves.complete(view, {})),
]


@pytest.mark.parametrize(("before", "move"), REFUSED)
def test_what_is_refused(before: JobView, move: Callable[[JobView], JobView]) -> None:
    with pytest.raises(IllegalTransition):
        move(before)


def test_a_result_stands_until_that_of_other_reduces_takes_its_place() -> None:
    first = job("COMPLETE", ALL, **PUBLISHING, results={"parts": 1})
    anew = reduce_anew(first)
    assert (anew.results, anew.replaces, anew.publishing, anew.retry) == (None, {"parts": 1}, False, 1)
    assert [anew.is_closed(phase) for phase in EVERY_PHASE] == [True, False, False]
    assert anew.result_epoch > first.result_epoch
    failed = job_moves.fail(anew, {"reason": "r"})
    assert redo(failed).replaces == {"parts": 1}, "it still stands there"
    again = job_moves.complete(replace(redo(failed), state=JobState.PUBLISH), {"parts": 2})
    assert (again.results, again.replaces) == ({"parts": 2}, None)


def test_the_last_close_of_all_makes_a_finisher() -> None:
    view = close(Phase.PUBLISH, 0)(job("PUBLISH", ALL))
    assert view.finisher == ME
    assert job_moves.role_is_open(view, "finisher")


def test_ending_a_job_voids_who_plans_and_who_finishes() -> None:
    """A planner that wakes up later must not find its claim and continue."""
    for end in (job_moves.cancel, lambda view: job_moves.fail(view, {})):
        ended = end(unplanned("DEPLOYED", planner=ME))
        assert ended.planner is None


def test_orders_add_up_until_the_shard_is_closed_again() -> None:
    once = reopen(Phase.MAP, 1)(job("REDUCE", MAPS))
    twice = reopen(Phase.MAP, 1)(once)
    again = job_moves.reopen(once, phase=Phase.MAP, shard=1, spoiled=[(7, 3), (8, 0)])
    first = Reopening(epoch=1, task=7, attempt=2)
    assert (once.orders(Phase.MAP, 1), once.shard_epoch(Phase.MAP, 1)) == ((first,), 1)
    assert (twice.orders(Phase.MAP, 1), twice.shard_epoch(Phase.MAP, 1)) == ((replace(first, epoch=2),), 2)
    both = (replace(first, epoch=2), Reopening(epoch=2, task=8, attempt=0))
    assert again.orders(Phase.MAP, 1) == both, "the counts of the first lost attempt are those of the closed shard"
    assert (twice.closed_shards(Phase.MAP), twice.counted_shards(Phase.MAP)) == (Ranges.parse("0"), Ranges.parse("0-1"))
    closed = close(Phase.MAP, 1)(twice)
    assert closed.shard_epoch(Phase.MAP, 1) == 2, "its manifest stands under that epoch"
    assert reopen(Phase.MAP, 1)(closed).orders(Phase.MAP, 1) == (Reopening(epoch=3, task=7, attempt=2),)


def test_of_closed_shards_only_the_epoch_of_their_last_order_stays() -> None:
    """So the document does not grow with each task that was ever lost."""
    facts = PlanFacts(**{**_values(FACTS), "tasks": 3000}).with_layouts(1)
    view = job("REDUCE", {"map": "0-2"}, plan=facts)
    for shard in (0, 2):
        view = job_moves.reopen(view, phase=Phase.MAP, shard=shard, spoiled=[(task, 0) for task in range(900)])
        view = close(Phase.MAP, shard)(view)
    before = [view.shard_epoch(Phase.MAP, shard) for shard in (0, 2)]

    view = reopen(Phase.MAP, 1)(view)

    assert [view.shard_epoch(Phase.MAP, shard) for shard in (0, 2)] == before
    assert [len(view.orders(Phase.MAP, shard)) for shard in range(3)] == [1, 1, 1]


def test_a_bounded_number_of_tasks_is_reopened_at_one_time() -> None:
    facts = PlanFacts(**{**_values(FACTS), "tasks": 10_000}).with_layouts(1)
    view = job("REDUCE", {"map": "0-9"}, plan=facts)
    assert job_moves.room_for_orders(view, Phase.MAP) == job_moves.MOST_REOPENED
    for shard in range(5):
        lost = [(task, 0) for task in range(1000)]
        view = job_moves.reopen(view, phase=Phase.MAP, shard=shard, spoiled=lost)
    assert job_moves.room_for_orders(view, Phase.MAP) == 0
    assert len(json.dumps(format_status(view))) < 100_000
    view = close(Phase.MAP, 3)(view)
    assert job_moves.room_for_orders(view, Phase.MAP) == 1000


def test_a_part_that_is_lost_is_published_again_too() -> None:
    view = reopen(Phase.REDUCE, 1)(job("PUBLISH", {**ALL, "publish": "0"}, **PUBLISHING))
    assert view.orders(Phase.PUBLISH, 0) == (Reopening(epoch=1, task=1, attempt=None),)
    assert not view.closed_shards(Phase.PUBLISH)


@pytest.mark.parametrize(
    ("state", "partitions", "open_to"),
    [
        ("DEPLOYED", 1, ()),
        ("MAP", 1, EVERY_PHASE),
        ("REDUCE", 1, EVERY_PHASE),
        ("PUBLISH", 1, (Phase.REDUCE, Phase.PUBLISH)),
        ("PUBLISH", 0, (Phase.MAP, Phase.PUBLISH)),
        ("COMPLETE", 1, ()),
        ("FAIL", 1, ()),
    ],
)
def test_only_what_is_still_read_can_be_reopened(state: str, partitions: int, open_to: tuple[Phase, ...]) -> None:
    view = job(state, plan=PlanFacts(**{**_values(FACTS), "partitions": partitions}).with_layouts(1))
    assert tuple(phase for phase in EVERY_PHASE if job_moves.may_reopen(view, phase)) == open_to


def test_the_document_stays_small_however_much_is_counted() -> None:
    """Each of many shards has the greatest number of counters, with the longest names."""
    shards = 40
    facts = PlanFacts(**{**_values(FACTS), "tasks": shards * 1000}).with_layouts(1)
    view = job("MAP", plan=facts, lanes=facts.lanes())
    for shard in range(shards):
        counters = {f"{shard}{number:0>124}": {"n" * 128: 1} for number in range(500)} | {"!": {"tasks": 1}}
        view = job_moves.close(view, phase=Phase.MAP, shard=shard, counters=counters, totals={}, finisher=ME)
    assert len(json.dumps(format_status(view))) < 300_000
    assert view.counters[Phase.MAP]["!"] == {"tasks": shards}
    assert parse_job({"spec": {}, "status": format_status(view)}).kept_counters == view.kept_counters
    assert view.kept_counters[Phase.MAP].dropped_from is not None


def test_counters_and_totals_add_up() -> None:
    """The counters and totals of one lane are added, and those of several lanes."""
    added: list[tuple[Counters, Totals]] = [
        ({"g": {"n": 1}}, {"bytes": 5, "slowest": {"task": "map/1", "seconds": 2.5}}),
        (
            {"g": {"n": 2, "m": 3}, "h": {"k": -1}},
            {"bytes": 7, "slowest": {"task": "map/2", "seconds": 3.5}, "records": 1},
        ),
    ]
    lane = Lane()
    view = job("MAP")
    for shard, (counters, totals) in enumerate(added):
        lane = lane.with_closed(shard, counters, totals)
        view = job_moves.close(view, phase=Phase.MAP, shard=shard, counters=counters, totals=totals, finisher=ME)
    assert (lane.counters, lane.totals) == (view.counters[Phase.MAP], view.totals[Phase.MAP])
    assert view.counters[Phase.MAP] == {"g": {"n": 3, "m": 3}, "h": {"k": -1}}
    assert view.totals[Phase.MAP] == {"bytes": 12, "slowest": {"task": "map/2", "seconds": 3.5}, "records": 1}


@pytest.mark.parametrize("again", [reopen(Phase.MAP, 0), redo], ids=["reopen", "redo"])
def test_what_opens_shards_again_raises_the_turns_of_their_lanes(again: Callable[[JobView], JobView]) -> None:
    """The turn is raised also if the shard was not closed, because a closing may be under way."""
    before = job("MAP")
    phase = Phase.MAP if again is not redo else Phase.REDUCE
    assert again(before).lanes[phase][0].turn == before.lanes[phase][0].turn + 1


@pytest.mark.parametrize(
    "view",
    [
        unplanned("DEPLOYED", planner=ME),
        reopen(Phase.REDUCE, 1)(job("PUBLISH", ALL, **PUBLISHING)),
        redo(job("REDUCE", MAPS)),
        job("COMPLETE", ALL, results={"x": 1}, finisher=ME),
        replace(job("MAP"), lanes={Phase.MAP: {0: Lane().with_closed(0, {"g": {"n": 1}}, {"bytes": 5})}}),
    ],
)
def test_a_view_survives_its_document(view: JobView) -> None:
    assert parse_job({"spec": view.spec, "status": format_status(view)}) == view


def test_a_job_without_status_is_pending() -> None:
    assert parse_job({"spec": {"a": 1}}) == unplanned("PENDING")


def _values(facts: PlanFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in PlanFacts.__slots__}


def planned(view: JobView) -> JobView:
    return job_moves.take_role(view, "planner", ME)


def given_back(view: JobView) -> JobView:
    return job_moves.take_role(view, "planner", None)


def failed(view: JobView) -> JobView:
    return job_moves.fail(view, {"kind": "OutOfSpace"})


@pytest.mark.parametrize(
    ("moves", "may_have_been"),
    [
        ([], False),
        ([job_moves.cancel], False),
        ([job_moves.deploy, job_moves.deploy], False),
        ([job_moves.deploy, job_moves.deploy, job_moves.cancel], False),
        ([job_moves.deploy, job_moves.deploy, planned], True),
        ([job_moves.deploy, job_moves.deploy, planned, given_back], True),
        ([job_moves.deploy, job_moves.deploy, planned, given_back, job_moves.cancel], True),
        ([job_moves.deploy, job_moves.deploy, planned, failed], True),
        ([job_moves.cancel, retry], True),
    ],
)
def test_it_is_known_whether_a_planner_was_ever_at_work(
    moves: list[Callable[[JobView], JobView]], may_have_been: bool
) -> None:
    """The status alone shows this, because a planner that has given up leaves no other trace."""
    view = unplanned("PENDING")
    for move in moves:
        patch = job_patch("uid", view, move(view))
        document = {"metadata": {"uid": "uid"}, "spec": {"a": 1}, "status": format_status(view)}
        view = parse_job(json_patch.apply(document, patch))
    has_ended = view.state in ENDED
    assert job_moves.may_have_been_planned(turn=view.turn, retry=view.retry, has_ended=has_ended) is may_have_been
