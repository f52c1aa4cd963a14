"""Owner references: Kubernetes removes an object after its owner. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND


def reference_to_job(name: str, uid: str) -> dict[str, Any]:
    """Return the reference to a job in another object: as its owner, or as the subject of an Event."""
    return {"apiVersion": API_VERSION, "kind": JOB_KIND, "name": name, "uid": uid}


def owners_of(thing: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the owner references of an object."""
    owners: Sequence[Mapping[str, Any]] = thing["metadata"].get("ownerReferences") or ()
    return owners


def is_owned(thing: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Return whether ``owner`` owns ``thing``, by the uid.

    A name proves nothing: an object of the expected name may be left from a deleted job, or belong to another one.
    """
    return any(one["uid"] == owner["metadata"]["uid"] for one in owners_of(thing))
