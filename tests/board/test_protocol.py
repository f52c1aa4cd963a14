"""Tests of the protocol version of a job: a program that does not know the version leaves the job alone."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell import __version__
from kubemr_shell.board.job_state import JobView, format_status, parse_job
from kubemr_shell.errors import ProtocolMismatch
from kubemr_shell.job.kinds import PROTOCOL
from kubemr_shell.job.state import JobState

NEW = format_status(JobView(state=JobState.PENDING, spec={"a": 1}))


def document(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "words"}, "spec": {"a": 1}, "status": {**NEW, **status}}


def test_a_new_job_has_the_version_of_who_began_it() -> None:
    assert NEW["protocol"] == PROTOCOL
    assert parse_job(document()).protocol == PROTOCOL


def test_a_status_of_before_there_were_versions_is_understood() -> None:
    old = document()
    del old["status"]["protocol"]
    assert parse_job(old).state is JobState.PENDING


@pytest.mark.parametrize("stated", [PROTOCOL + 1, 0, "new"])
def test_a_job_of_another_version_is_refused_with_both_versions_and_what_to_do(stated: object) -> None:
    """No other field is read, because it may have another meaning."""
    with pytest.raises(ProtocolMismatch) as refused:
        parse_job(document(protocol=stated, state="A_STATE_OF_LATER"))
    text = str(refused.value)
    assert f"job words has protocol {stated}" in text
    assert f"kubemr-shell {__version__} knows protocol {PROTOCOL}" in text
    assert "kubemr/base of the version of the operator" in text
    assert refused.value.exit_code == 2
