"""Which object belongs to which: what a job owns is removed with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND


def reference_to_job(name: str, uid: str) -> dict[str, Any]:
    """How other objects name a job: as their owner, or as what they tell of."""
    return {"apiVersion": API_VERSION, "kind": JOB_KIND, "name": name, "uid": uid}


def owners_of(thing: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    owners: Sequence[Mapping[str, Any]] = thing["metadata"].get("ownerReferences") or ()
    return owners


def is_owned(thing: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """By this very object: one of the name that is expected may be left over from a deleted job, or be another's."""
    return any(one["uid"] == owner["metadata"]["uid"] for one in owners_of(thing))
