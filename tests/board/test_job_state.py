"""Tests of the state that the board reads from the document of a job."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.board.job_state import JobView, format_status, parse_job
from kubemr_shell.job.state import JobState


@pytest.mark.parametrize(("asked", "replicas"), [({"replicas": 7}, 7), ({}, 1), ({"replicas": "many"}, 1)])
def test_the_replicas_are_those_that_the_job_asks_for_now(asked: dict[str, Any], replicas: int) -> None:
    """A pod that is added to a running job learns only the old number from its batch Job."""
    planned = format_status(JobView(state=JobState.MAP, spec={"replicas": 2}))
    assert parse_job({"spec": {"mapCommand": "cat", **asked}, "status": planned}).replicas == replicas
