"""Tests of the functions that read a status, also if parts of the status are missing."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.status import Condition, condition, is_true, state_of, status_of

MET = {"type": "Complete", "status": "True", "reason": "Complete"}
MISSED = {"type": "Failed", "status": "False", "reason": "Retried"}


@pytest.mark.parametrize("thing", [{}, {"status": None}, {"status": {}}, {"status": {"conditions": None}}])
def test_what_nobody_has_written_yet_is_nothing(thing: dict[str, Any]) -> None:
    assert not status_of(thing).get("conditions")
    assert state_of(thing) == "NEW"
    assert condition(thing, Condition.COMPLETE) is None
    assert not is_true(thing, Condition.COMPLETE)


def test_a_condition_that_is_there_need_not_be_true() -> None:
    job = {"status": {"state": "COMPLETE", "conditions": [MISSED, MET]}}
    assert (state_of(job), condition(job, Condition.FAILED)) == ("COMPLETE", MISSED)
    assert [is_true(job, kind) for kind in (Condition.COMPLETE, Condition.FAILED, Condition.SUSPENDED)] == [
        True,
        False,
        False,
    ]


def test_what_is_not_there_has_no_conditions() -> None:
    assert condition(None, "Complete") is None
