"""Tests of obstacles: the owner of an object under a name that a job needs."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.kube.resources import ROLES
from kubemr_shell.operator.observation import OutputOwner
from kubemr_shell.operator.obstacles import in_the_way, left_owner
from kubemr_shell.operator.output_owner import owner_of_output
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
    assert "Delete it, or give the job another name" in trouble.message


def output_owner(*owners: tuple[str, str, str], **data: str) -> dict[str, Any]:
    return {**role(*owners, namespace="here"), "data": data}


def test_the_owner_of_an_output_is_told_by_its_reference_alone() -> None:
    """Any user may write the data of a ConfigMap, and ``--cascade=orphan`` removes the reference."""
    found = output_owner((JOB_KIND, "other", "1"), job="words", uid="new")
    assert owner_of_output(found) == OutputOwner(uid="1", name="other")
    assert owner_of_output(output_owner(job="words", uid="new")) is None
    assert owner_of_output(output_owner()) is None


def test_an_output_that_nobody_gives_back_is_named_with_what_to_do() -> None:
    trouble = left_owner(output_owner(job="other", uid="1"), "s3://results/words", None)
    assert trouble.reason == "NameTaken"
    assert "keeps the output s3://results/words for job other" in trouble.message
    assert "kubectl -n here delete configmap kubemr-words" in trouble.message
    assert "for somebody else" in left_owner(output_owner(), "s3://results/words", None).message


def test_an_output_that_comes_back_by_itself_is_waited_for() -> None:
    owner = OutputOwner(uid="1", name="other")
    trouble = left_owner(output_owner((JOB_KIND, "other", "1")), "s3://results/words", owner)
    assert trouble.reason == "Starting"
    assert "belongs to the deleted job other" in trouble.message
