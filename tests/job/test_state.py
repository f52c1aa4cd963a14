"""The transition tables, cell by cell: what is written here is the only thing that may happen."""

from __future__ import annotations

from itertools import product

import pytest

from kubemr_shell.errors import IllegalTransition
from kubemr_shell.job.state import ENDED, TASK_TRANSITIONS, JobEvent, JobState, TaskEvent, TaskState, after

JOB_TABLE = """
              ACCEPT   REJECT  DEPLOY     DEPLOYED  PLANNED  MAPPED  OUTPUT_READY  PUBLISHED  REOPEN_MAP  REOPEN_REDUCE  FAIL  CANCEL     RETRY     REDUCE_ANEW
(none)        PENDING  FAIL    -          -         -        -       -             -          -           -              -     -          -         -
PENDING       -        -       DEPLOYING  -         -        -       -             -          -           -              FAIL  CANCELLED  -         -
DEPLOYING     -        -       -          DEPLOYED  -        -       -             -          -           -              FAIL  CANCELLED  -         -
DEPLOYED      -        -       -          -         MAP      REDUCE  -             -          -           -              FAIL  CANCELLED  -         -
MAP           -        -       -          -         -        REDUCE  PUBLISH       -          MAP         -              FAIL  CANCELLED  -         -
REDUCE        -        -       -          -         -        -       PUBLISH       -          MAP         REDUCE         FAIL  CANCELLED  -         -
PUBLISH       -        -       -          -         -        -       -             COMPLETE   MAP         REDUCE         -     -          PUBLISH   -
COMPLETE      -        -       -          -         -        -       -             -          -           -              -     -          -         PENDING
FAIL          -        -       -          -         -        -       -             -          -           -              -     -          PENDING   -
CANCELLED     -        -       -          -         -        -       -             -          -           -              -     -          PENDING   -
"""  # noqa: E501 - a table

TASK_TABLE = """
          CLAIM  COMMIT  GIVE_BACK  FAIL_ATTEMPT  LOSE  TAKE_OVER  EXHAUST  REOPEN  RETRY
UNISSUED  HELD   -       -          -             -     -          -        -       -
REDO      HELD   -       -          -             -     -          -        -       -
HELD      -      DONE    REDO       REDO          REDO  HELD       FAILED   -       -
DONE      -      -       -          -             -     -          -        REDO    -
FAILED    -      -       -          -             -     -          -        -       REDO
"""


def cells(table: str) -> dict[tuple[str, str], str]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {(state, event): cell for state, *row in rows for event, cell in zip(head, row, strict=True)}


JOB_CELLS = cells(JOB_TABLE)
TASK_CELLS = cells(TASK_TABLE)


@pytest.mark.parametrize(("state", "event"), list(product([None, *JobState], JobEvent)))
def test_each_job_state_takes_each_event_as_the_table_says(state: JobState | None, event: JobEvent) -> None:
    expected = JOB_CELLS[state.name if state else "(none)", event.name]
    if expected == "-":
        with pytest.raises(IllegalTransition, match=state.name if state else "no state"):
            after(state, event)
    else:
        assert after(state, event) is JobState[expected]


@pytest.mark.parametrize(("state", "event"), list(product(TaskState, TaskEvent)))
def test_each_task_state_takes_each_event_as_the_table_says(state: TaskState, event: TaskEvent) -> None:
    expected = TASK_CELLS[state.name, event.name]
    assert TASK_TRANSITIONS[state].get(event) is (None if expected == "-" else TaskState[expected])


def test_the_refusal_of_an_event_names_it() -> None:
    with pytest.raises(IllegalTransition, match="a job in PUBLISH cannot go on with: somebody cancels"):
        after(JobState.PUBLISH, JobEvent.CANCEL)


def test_an_ended_job_is_left_by_a_retry_or_never() -> None:
    for state in ENDED:
        possible = {event for event in JobEvent if JOB_CELLS[state.name, event.name] != "-"}
        assert possible <= {JobEvent.RETRY, JobEvent.REDUCE_ANEW}


def test_every_job_state_can_be_reached() -> None:
    reached: set[str] = {"(none)"}
    while more := {cell for (state, _), cell in JOB_CELLS.items() if state in reached} - reached - {"-"}:
        reached |= more
    assert reached == {"(none)", *JobState.__members__}
