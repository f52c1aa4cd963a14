"""How an object is: that it is being deleted, its conditions, and the state of a job. Pure.

The status of a job is written by its workers, and with them by whatever runs in their pods: it may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

Object = Mapping[str, Any]


class Condition(StrEnum):
    """The conditions of a job, as ``kubectl wait`` knows them."""

    WORKERS_READY = "WorkersReady"
    SUSPENDED = "Suspended"
    COMPLETE = "Complete"
    FAILED = "Failed"
    RETRY_REFUSED = "RetryRefused"
    NOT_APPLIED = "NotApplied"
    STALLED = "Stalled"


STARTING = "Starting"
"""Why workers are not ready though nothing is in their way: it goes by itself."""
NEW = "NEW"
"""What is shown for the state of a job that no operator has looked at."""


def is_being_deleted(thing: Object) -> bool:
    """Nothing more comes of it than its end."""
    return "deletionTimestamp" in thing["metadata"]


def status_of(thing: Object) -> Object:
    """Nothing where there is none yet."""
    status: Object = thing.get("status") or {}
    return status


def state_of(job: Object) -> str:
    """For people and metrics; what the board makes of a status is ``board.job_view.parse_job``."""
    return str(status_of(job).get("state", NEW))


def condition(thing: Object | None, kind: str) -> Object | None:
    """The condition of that type, if it is there."""
    conditions = status_of(thing or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), None)


def is_true(thing: Object | None, kind: str) -> bool:
    found = condition(thing, kind)
    return found is not None and found["status"] == "True"
