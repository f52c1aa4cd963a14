"""Tests of the status that is shown of a job, from its document alone."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.board.job_state import JobView, PlanFacts, format_status
from kubemr_shell.board.lane import Lane
from kubemr_shell.board.progress import Progress
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.client.result_place import place_of_results
from kubemr_shell.client.status import status_lines
from kubemr_shell.client.table import table_of
from kubemr_shell.client.times import age_text
from kubemr_shell.client.views import view_of
from kubemr_shell.errors import JobCancelled, JobFailed, JobNotFound, KubemrError
from kubemr_shell.job.state import JobState, Phase

NOW = 1_800_000_000.0
BEGAN = "2027-01-15T07:58:20Z"
"""100 seconds before."""
SPEC = {"inputs": ["s3://b/in"], "s3": {"endpoint": "http://in-the-cluster:9000", "region": "here"}}
PLAN = PlanFacts(claim_id="c", tasks=40, partitions=5, spec=SPEC, fingerprint="f", input_bytes=4_000_000).with_layouts(
    1
)
TOTALS: dict[str, Any] = {
    "tasks": 10,
    "retries": 1,
    "recordsIn": 100,
    "bytesIn": 1000,
    "recordsOut": 90,
    "bytesOut": 900,
    "slowest": {"task": "reduce/1", "seconds": 2.0},
    "largest": {"task": "reduce/0", "bytes": 600},
    "heaviest": {"key": "the", "records": 50},
}


def document(view: JobView | None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "words", "namespace": "ns", "uid": "u", "creationTimestamp": BEGAN}
    whole = {"metadata": metadata, "spec": SPEC}
    if view is not None:
        whole["status"] = {**format_status(view), "startTime": BEGAN, **status}
    return whole


def lines(view: JobView, *, done: int = 0, since: str | None = None, **status: Any) -> str:
    progress = Progress(view=view, tasks_done=done, retries=2, since=since)
    return "\n".join(status_lines(document(view, **status), progress, now=NOW, flags=" -n ns"))


def test_a_job_that_runs_has_a_rate_and_a_time_left() -> None:
    view = JobView(state=JobState.MAP, spec=SPEC, plan=PLAN)
    text = lines(view, done=30, since=BEGAN)
    assert "state       MAP, for 1 min 40 s\n" in text
    assert "map         30/40 tasks, 0.3 tasks/s, 33 s left, 2 repeated\n" in text
    assert text.endswith("reduce      0/5 tasks")


def test_what_is_slow_large_and_heavy_is_named_as_soon_as_it_is_known() -> None:
    view = JobView(
        state=JobState.REDUCE,
        spec=SPEC,
        plan=PLAN,
        lanes={
            Phase.MAP: {0: Lane(closed=Ranges.of([0]))},
            Phase.REDUCE: {0: Lane(counted=Ranges.of([0]), totals=TOTALS)},
        },
    )
    text = lines(view)
    assert "map         40/40 tasks" in text
    assert "slowest     reduce/1, 2.0 s" in text
    assert "largest     reduce/0, 600 B; the mean is 100 B" in text
    assert "heaviest    key the, 50 records" in text


def test_nobody_is_sent_to_cancel_a_job_that_cannot_be_cancelled_any_more() -> None:
    condition = {"type": "WorkersReady", "status": "False", "reason": "WorkerFailed", "message": "no right"}
    view = JobView(state=JobState.PUBLISH, spec=SPEC, plan=PLAN, publishing=True)
    text = lines(view, conditions=[condition])
    assert "it continues by itself when this is fixed; it cannot be cancelled while its results are being" in text
    assert "kubemr-shell cancel" not in text


def test_what_is_in_the_way_is_said_but_not_of_what_has_ended() -> None:
    condition = {"type": "WorkersReady", "status": "False", "reason": "Unschedulable", "message": "no\x1b node"}
    view = JobView(state=JobState.DEPLOYED, spec=SPEC)
    text = lines(view, conditions=[condition])
    assert "hindrance   Unschedulable: no\\x1b node" in text
    assert "kubemr-shell cancel words -n ns && kubemr-shell retry words -f JOB.yaml -n ns" in text
    starting = {**condition, "reason": "Starting"}
    assert lines(view, conditions=[starting]).endswith("deploy      waiting for workers")
    assert "hindrance" not in lines(JobView(state=JobState.CANCELLED, spec=SPEC), conditions=[condition])


def test_a_failure_is_one_screen_with_the_commands_that_help() -> None:
    failure = {"task": "map/3", "attempt": 1, "reason": "exit status 3", "command": "false", "stderr": "why\n"}
    text = lines(JobView(state=JobState.FAIL, spec=SPEC, failure=failure, retry=2), completionTime=BEGAN)
    assert "job words failed: map/3, attempt 1: exit status 3\n" in text
    assert "kubemr-shell logs words map/3 -n ns" in text
    assert "kubemr-shell retry words -n ns\n" in text
    assert "kubemr-shell delete words --wait -n ns && kubemr-shell submit JOB.yaml -n ns" in text, "its maps are fixed"
    assert "retried     2 times" in text
    assert "FAIL, after 0.0 s; 1 min 40 s ago" in text


def test_another_reduce_command_needs_no_other_job() -> None:
    failure = {"task": "reduce/0", "attempt": 3, "reason": "exit status 127", "command": "uniqq"}
    text = lines(JobView(state=JobState.FAIL, spec=SPEC, failure=failure), completionTime=BEGAN)
    assert "kubemr-shell retry words -f JOB.yaml -n ns" in text
    assert "kubemr-shell delete" not in text


def test_a_job_that_nobody_looks_at_is_said_to_be_so_after_a_while() -> None:
    new = document(None)
    progress = Progress(view=view_of(new))
    assert "no operator" in "\n".join(status_lines(new, progress, now=NOW, flags=""))
    assert "no operator" not in "\n".join(status_lines(new, progress, now=NOW - 98, flags=""))


def test_the_table_has_a_line_for_each_job() -> None:
    view = JobView(state=JobState.MAP, spec=SPEC, retry=1)
    rows = table_of([document(view, progress={"map": "3/40"}), document(None)], now=NOW, everywhere=True)
    assert [row.split() for row in rows] == [
        ["NAMESPACE", "NAME", "STATE", "MAPS", "REDUCES", "RETRIES", "AGE"],
        ["ns", "words", "MAP", "3/40", "-", "1", "1m40s"],
        ["ns", "words", "NEW", "-", "-", "0", "1m40s"],
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0s"), (59.9, "59s"), (200, "3m20s"), (3599, "59m"), (7500, "2h5m"), (400_000, "4d")],
)
def test_ages_get_coarser_as_they_grow(seconds: float | None, text: str) -> None:
    assert age_text(seconds) == text


def test_results_are_where_the_job_says_and_the_environment_knows_the_store() -> None:
    view = JobView(state=JobState.COMPLETE, spec=SPEC, results={"output": "s3://b/out", "parts": 2})
    uri, s3 = place_of_results(document(view), {}, flags="")
    assert (uri, s3.endpoint, s3.region) == ("s3://b/out", "http://in-the-cluster:9000", "here")
    _, s3 = place_of_results(document(view), {"AWS_ENDPOINT_URL_S3": "http://here:9000"}, flags="")
    assert (s3.endpoint, s3.region) == (None, "here")


@pytest.mark.parametrize(
    ("state", "error"),
    [(JobState.MAP, JobNotFound), (JobState.FAIL, JobFailed), (JobState.CANCELLED, JobCancelled)],
)
def test_why_there_are_no_results_is_said(state: JobState, error: type[KubemrError]) -> None:
    with pytest.raises(error, match="words"):
        place_of_results(document(JobView(state=state, spec=SPEC)), {}, flags="")


def test_the_exit_code_of_a_failure_is_the_one_that_is_recorded() -> None:
    failure = {"reason": "no such input", "exitCode": 3}
    with pytest.raises(JobFailed) as caught:
        place_of_results(document(JobView(state=JobState.FAIL, spec=SPEC, failure=failure)), {}, flags="")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("status", [{"state": "X"}, {"lanes": 3}, {"lanes": {"map": {"0": 1}}}, {"lost": 5}])
def test_a_status_that_is_nonsense_is_an_error_with_a_message(status: dict[str, Any]) -> None:
    with pytest.raises(KubemrError, match="not as workers and operator write it"):
        view_of({"metadata": {"name": "words"}, "spec": SPEC, "status": status})
