"""Functions that read the state of an object: its deletion, its conditions, and the state of a job. Pure.

Workers write the status of their job, so any program in their pods can write it too. The status may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

Object = Mapping[str, Any]
"""A Kubernetes object, as it is in JSON. It must not be changed."""


class Condition(StrEnum):
    """The types of a job's conditions, as in ``kubectl wait --for condition=Complete``."""

    WORKERS_READY = "WorkersReady"
    SUSPENDED = "Suspended"
    COMPLETE = "Complete"
    FAILED = "Failed"
    RETRY_REFUSED = "RetryRefused"
    NOT_APPLIED = "NotApplied"
    STALLED = "Stalled"


STARTING = "Starting"
"""The reason of a condition while workers are not ready yet, but need only time."""
NEW = "NEW"
"""The text for the state of a job that no operator has seen yet."""


def is_being_deleted(thing: Object) -> bool:
    """Return whether an object is being deleted. A deletion cannot be undone."""
    return "deletionTimestamp" in thing["metadata"]


def status_of(thing: Object) -> Object:
    """Return the status of an object; empty if the object has none yet."""
    status: Object = thing.get("status") or {}
    return status


def state_of(job: Object) -> str:
    """Return the state of a job for people and metrics. Decisions use ``board.job_state.parse_job`` instead."""
    return str(status_of(job).get("state", NEW))


def condition(thing: Object | None, kind: str) -> Object | None:
    """Return the condition of a type; None if the object does not have it."""
    conditions = status_of(thing or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), None)


def is_true(thing: Object | None, kind: str) -> bool:
    """Return whether an object has a condition of a type, and the condition is true."""
    found = condition(thing, kind)
    return found is not None and found["status"] == "True"
