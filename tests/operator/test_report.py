"""Tests of several operators that report on one job, each from caches of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_state import JobView, PlanFacts, format_status
from kubemr_shell.board.progress import Progress
from kubemr_shell.board.stores import json_patch
from kubemr_shell.errors import Conflict
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.kube.stamps import stamp_of
from kubemr_shell.operator.actions import Decision, Tell
from kubemr_shell.operator.observation import Trouble
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.report import ROUTINE_SECONDS
from tests.operator.observed import NOW, OPTIONS, SPEC, STAMP, batch, job, patch_of_status, pod, seen

TASKS = 40
PLAN = PlanFacts(claim_id="c", tasks=TASKS, partitions=2, spec=SPEC, fingerprint="", input_bytes=1)
MAPPING = job_moves.record_plan(JobView(state=JobState.DEPLOYED, spec=SPEC), PLAN, 1)


class Server:
    """A server with the document of one job, which operators patch. ``now`` is the time of the server."""

    def __init__(self, view: JobView = MAPPING, **status: Any) -> None:
        self.document = job({**format_status(view), "startTime": STAMP, **status})
        self.now = NOW
        self.stated: list[dict[str, Any]] = []
        """The status after each write that was accepted."""

    def look(self, *, cached: dict[str, Any] | None = None, **known: Any) -> list[Tell]:
        """Let an operator report on the job, or on an older copy. Carry out its decision and return its Events."""
        actions = self.decide(cached=cached, **known).actions
        for action in actions:
            if isinstance(action, Tell):
                continue
            try:
                self.document = dict(json_patch.apply(self.document, list(patch_of_status([action]))))
            except Conflict:
                return []
            self.stated.append(self.document["status"])
        return [action for action in actions if isinstance(action, Tell)]

    def decide(self, *, cached: dict[str, Any] | None = None, **known: Any) -> Decision:
        workers = batch()
        runs = {"batch": workers, "pods": [pod("words-0-a", "Running", of=workers)], "now": self.now}
        return reconcile(seen(cached or self.document, **{**runs, **known}), OPTIONS)

    def progress(self) -> list[int]:
        """Return the numbers of done maps in the status, in the order of the writes."""
        said = [int(status["progress"]["map"].split("/")[0]) for status in self.stated if "progress" in status]
        return [one for one, before in zip(said, [None, *said], strict=False) if one != before]


def read(done: int, view: JobView = MAPPING) -> Progress:
    return Progress(view=view, tasks_done=done)


def test_two_operators_with_different_readings_do_not_overwrite_each_other() -> None:
    """Each write wakes both operators. Otherwise, they write without a pause while their readings differ."""
    server = Server()
    for _ in range(50):
        server.look(progress=read(12))
        server.look(progress=read(10))
    assert server.progress() == [12]
    assert len(server.stated) == 1


def test_the_figure_is_written_once_in_an_interval_whoever_writes_it() -> None:
    server = Server()
    done = 0
    for _ in range(round(4 * ROUTINE_SECONDS)):
        for _ in range(2):
            done += 1
            server.look(progress=read(min(done, TASKS)))
        server.now += 1
    assert len(server.stated) == 4
    assert server.progress() == sorted(server.progress())


def test_who_has_to_wait_with_a_figure_looks_again_when_the_interval_is_over() -> None:
    server = Server()
    server.look(progress=read(12))
    server.now += 2
    decision = server.decide(progress=read(20))
    assert not decision.actions
    assert decision.again_after == ROUTINE_SECONDS - 2


def test_a_stamp_of_the_future_holds_no_report_back_for_longer_than_an_interval() -> None:
    server = Server(report={"turn": 1, "time": stamp_of(NOW + 86400)})
    decision = server.decide(progress=read(1))
    assert decision.again_after is not None
    assert decision.again_after <= ROUTINE_SECONDS


def test_an_operator_that_has_not_heard_of_the_last_report_is_refused() -> None:
    server = Server()
    old = server.document
    server.look(progress=read(12))
    told = server.look(cached=old, progress=read(15), obstacle=Trouble(reason="NameTaken", message="in the way"))
    assert not told, "an Event of what was not written would be told twice"
    assert server.progress() == [12]
    assert len(server.stated) == 1


def test_an_operator_of_a_version_without_turns_is_not_overwritten_either() -> None:
    server = Server()
    old = server.document
    server.document = job({**server.document["status"], "progress": {"map": f"12/{TASKS}"}})
    server.look(cached=old, progress=read(3))
    assert server.stated == []
    server.look(progress=read(3))
    assert server.progress() == [12]


def test_tasks_that_are_opened_again_are_taken_back_and_a_reading_of_before_does_not_count() -> None:
    server = Server()
    server.look(progress=read(30))
    reopened = job_moves.reopen(MAPPING, phase=Phase.MAP, shard=0, spoiled=[(3, 0)])
    server.document = job({**server.document["status"], **format_status(reopened)})
    server.now += ROUTINE_SECONDS
    server.look(progress=read(30))
    server.now += ROUTINE_SECONDS
    server.look(progress=read(29, reopened))
    assert server.progress() == [30, 29]


def test_the_last_figure_is_written_at_once_when_the_job_ends() -> None:
    server = Server()
    server.look(progress=read(30))
    ended = replace(MAPPING, state=JobState.FAIL, failure={"kind": "CommandFailed", "reason": "it failed"})
    server.document = job({**server.document["status"], **format_status(ended)})
    before = len(server.stated)
    server.look()
    assert len(server.stated) > before


@pytest.mark.parametrize(
    ("known", "is_urgent"),
    [
        ({"pods": 2}, False),
        ({"pods": 3, "failed": True}, True),
    ],
)
def test_a_text_waits_for_the_interval_and_a_reason_does_not(known: dict[str, Any], is_urgent: bool) -> None:
    """While pods start, each of them changes the text. Operators of two versions may use different texts."""
    server = Server()
    workers = batch()
    workers["spec"]["parallelism"] = 4

    def look(running: int, *, failed: bool = False) -> None:
        pods = [pod(f"w{number}", "Running", of=workers) for number in range(running)]
        pods += [pod("x", "Failed", STAMP, of=workers)] if failed else []
        server.look(batch=workers, pods=pods)

    look(1)
    assert len(server.stated) == 1
    look(known["pods"], failed=known.get("failed", False))
    assert (len(server.stated) == 2) == is_urgent
    server.now += ROUTINE_SECONDS
    look(known["pods"], failed=known.get("failed", False))
    assert len(server.stated) == 2


def test_a_worker_whose_pod_one_operator_no_longer_knows_stays_lost() -> None:
    server = Server()
    server.look(pods=[pod("a", "Failed", STAMP), pod("b", "Failed", STAMP)])
    server.look(pods=[pod("a", "Failed", STAMP), pod("c", "Failed", STAMP)])
    assert set(server.document["status"]["lost"]) == {"a", "b", "c"}


def test_the_time_of_the_end_is_written_once() -> None:
    ended = replace(MAPPING, state=JobState.CANCELLED)
    server = Server(ended)
    old = server.document
    server.look()
    at = server.document["status"]["completionTime"]
    server.now += 30
    server.look(cached=old)
    assert server.document["status"]["completionTime"] == at


@pytest.mark.parametrize("teller", ["words-0-a", "words-0-of-an-earlier-pod"])
def test_a_worker_whose_requests_are_refused_says_so_in_a_condition_while_it_lives(teller: str) -> None:
    server = Server(waits={"worker": teller, "message": "creation of TaskShard: exceeded quota"})
    server.look()
    [ready] = [one for one in server.document["status"]["conditions"] if one["type"] == "WorkersReady"]
    lives = teller == "words-0-a"
    assert (ready["status"], ready["reason"]) == (("False", "RequestsRefused") if lives else ("True", "Running"))
    assert ("exceeded quota" in ready["message"]) == lives
