"""The states of a job and of its tasks, and the transitions between them.

The tables are complete: an event that is not in the row of a state is an IllegalTransition. The board decides who may
cause an event, and which values the same write has to test. The board stores no state of a single task. The table of
tasks describes the effect of its claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kubemr_shell.errors import IllegalTransition


class JobState(StrEnum):
    """The state of a job, as in ``status.state``. A job that no operator has seen yet has no state."""

    PENDING = "PENDING"
    DEPLOYING = "DEPLOYING"
    DEPLOYED = "DEPLOYED"
    MAP = "MAP"
    REDUCE = "REDUCE"
    PUBLISH = "PUBLISH"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    CANCELLED = "CANCELLED"


class Phase(StrEnum):
    """A stage of a job, with tasks of its own."""

    MAP = "map"
    REDUCE = "reduce"
    PUBLISH = "publish"


class TaskState(StrEnum):
    """The state of a task. A task is in exactly one state at a time."""

    UNISSUED = "unissued"
    REDO = "redo"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


class JobEvent(StrEnum):
    """An event in the life of a job. The value is its text in the diagram of the documentation."""

    ACCEPT = "the spec is valid"
    REJECT = "the spec is invalid"
    DEPLOY = "one operator, or the local run, takes the job"
    DEPLOYED = "everything that the workers need is there"
    PLANNED = "the plan is recorded"
    MAPPED = "every map task is closed"
    OUTPUT_READY = "every task that writes a part is closed"
    PUBLISHED = "all parts and _SUCCESS are in place"
    REOPEN_MAP = "the output of a map task is missing or corrupt"
    REOPEN_REDUCE = "the output of a reduce task is missing or corrupt, or reduceCommand was changed"
    FAIL = "a task ran out of attempts, the job out of time, or an input is missing"
    CANCEL = "somebody cancels"
    RETRY = "somebody retries"
    REDUCE_ANEW = "somebody retries with another reduceCommand or compressOutput, and keepTmp has kept the maps"


class TaskEvent(StrEnum):
    """An event in the life of a task. The value is its text in the diagram of the documentation."""

    CLAIM = "a worker claims it"
    COMMIT = "its holder commits"
    GIVE_BACK = "its holder gives it back"
    FAIL_ATTEMPT = "the attempt fails"
    LOSE = "its holder is gone"
    TAKE_OVER = "another worker takes it over, as a new attempt"
    EXHAUST = "it ran out of attempts"
    REOPEN = "its output is missing or corrupt"
    RETRY = "the job is retried"


_BEFORE_PUBLISHING = {JobEvent.FAIL: JobState.FAIL, JobEvent.CANCEL: JobState.CANCELLED}

JOB_TRANSITIONS: Mapping[JobState | None, Mapping[JobEvent, JobState]] = {
    None: {JobEvent.ACCEPT: JobState.PENDING, JobEvent.REJECT: JobState.FAIL},
    JobState.PENDING: {JobEvent.DEPLOY: JobState.DEPLOYING, **_BEFORE_PUBLISHING},
    JobState.DEPLOYING: {JobEvent.DEPLOYED: JobState.DEPLOYED, **_BEFORE_PUBLISHING},
    # A retried job arrives here with a plan, and continues after its committed tasks.
    JobState.DEPLOYED: {JobEvent.PLANNED: JobState.MAP, JobEvent.MAPPED: JobState.REDUCE, **_BEFORE_PUBLISHING},
    JobState.MAP: {
        JobEvent.MAPPED: JobState.REDUCE,
        JobEvent.OUTPUT_READY: JobState.PUBLISH,
        JobEvent.REOPEN_MAP: JobState.MAP,
        **_BEFORE_PUBLISHING,
    },
    JobState.REDUCE: {
        JobEvent.OUTPUT_READY: JobState.PUBLISH,
        JobEvent.REOPEN_MAP: JobState.MAP,
        JobEvent.REOPEN_REDUCE: JobState.REDUCE,
        **_BEFORE_PUBLISHING,
    },
    # The point of no return: parts may be visible, so the job can only continue. So does a retry.
    JobState.PUBLISH: {
        JobEvent.PUBLISHED: JobState.COMPLETE,
        JobEvent.REOPEN_MAP: JobState.MAP,
        JobEvent.REOPEN_REDUCE: JobState.REDUCE,
        JobEvent.RETRY: JobState.PUBLISH,
    },
    # The old result stays until the result of the new reduce tasks replaces it.
    JobState.COMPLETE: {JobEvent.REDUCE_ANEW: JobState.PENDING},
    JobState.FAIL: {JobEvent.RETRY: JobState.PENDING},
    JobState.CANCELLED: {JobEvent.RETRY: JobState.PENDING},
}
"""The legal transitions of a job, by state and event."""

TASK_TRANSITIONS: Mapping[TaskState, Mapping[TaskEvent, TaskState]] = {
    TaskState.UNISSUED: {TaskEvent.CLAIM: TaskState.HELD},
    TaskState.REDO: {TaskEvent.CLAIM: TaskState.HELD},
    TaskState.HELD: {
        TaskEvent.COMMIT: TaskState.DONE,
        TaskEvent.GIVE_BACK: TaskState.REDO,
        TaskEvent.FAIL_ATTEMPT: TaskState.REDO,
        TaskEvent.LOSE: TaskState.REDO,
        TaskEvent.TAKE_OVER: TaskState.HELD,
        TaskEvent.EXHAUST: TaskState.FAILED,
    },
    TaskState.DONE: {TaskEvent.REOPEN: TaskState.REDO},
    TaskState.FAILED: {TaskEvent.RETRY: TaskState.REDO},
}
"""The legal transitions of a task, by state and event."""

ENDED = frozenset({JobState.COMPLETE, JobState.FAIL, JobState.CANCELLED})
"""The states of a job that no worker works on."""


def after(state: JobState | None, event: JobEvent) -> JobState:
    """Return the state of a job after an event. Raise IllegalTransition if the state has no such event."""
    try:
        return JOB_TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"a job in {state or 'no state'} cannot go on with: {event}") from None
