"""Tests of owner references."""

from __future__ import annotations

from kubemr_shell.kube.owners import is_owned, reference_to_job

JOB = {"metadata": {"name": "words", "uid": "new"}}
OLD = {"metadata": {"ownerReferences": [reference_to_job("words", "old")]}}
OWN = {"metadata": {"ownerReferences": [reference_to_job("other", "1"), reference_to_job("words", "new")]}}
NOBODYS = {"metadata": {"ownerReferences": None}}


def test_a_name_alone_owns_nothing() -> None:
    assert [is_owned(thing, JOB) for thing in (OLD, OWN, NOBODYS)] == [False, True, False]
