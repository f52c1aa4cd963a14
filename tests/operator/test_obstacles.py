"""Whose it is that stands under a name which a job needs."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.kube.resources import ROLES
from kubemr_shell.operator.obstacles import in_the_way
from tests.operator.observed import STAMP, job


def role(*owners: tuple[str, str, str], **metadata: Any) -> dict[str, Any]:
    named = [dict(zip(("kind", "name", "uid"), owner, strict=True)) for owner in owners]
    return {"metadata": {"name": "kubemr-words", "ownerReferences": named, **metadata}}


def test_what_the_job_has_made_itself_is_not_in_its_way() -> None:
    assert in_the_way(ROLES, role((JOB_KIND, "words", "new")), job(None)) is None


@pytest.mark.parametrize(
    "found", [role((JOB_KIND, "words", "old")), role(("Deployment", "web", "1"), deletionTimestamp=STAMP)]
)
def test_what_goes_by_itself_is_waited_for(found: dict[str, Any]) -> None:
    trouble = in_the_way(ROLES, found, job(None))
    assert trouble is not None
    assert trouble.reason == "Starting"
    assert "waits until Role kubemr-words" in trouble.message


@pytest.mark.parametrize("found", [role(), role((JOB_KIND, "other", "old")), role(("Deployment", "words", "old"))])
def test_what_stays_is_named_with_what_to_do(found: dict[str, Any]) -> None:
    trouble = in_the_way(ROLES, found, job(None))
    assert trouble is not None
    assert trouble.reason == "NameTaken"
    assert "Role kubemr-words is in the way" in trouble.message
    assert "delete it, or make the job under another name" in trouble.message
