"""The states of a job and of its tasks, and which event leads where.

The tables are all there is: an event that is not in the row of a state is an IllegalTransition. Who may cause an
event, and what has to be tested in the same write, is the board's business. The table of tasks says what the board's
claims come down to; no task has a state of its own there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kubemr_shell.errors import IllegalTransition


class JobState(StrEnum):
    """Where a job is; the words of ``status.state``. A job that nobody has looked at has none."""

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
    """A kind of work with tasks of its own."""

    MAP = "map"
    REDUCE = "reduce"
    PUBLISH = "publish"


class TaskState(StrEnum):
    """Where a task of a phase is: always in exactly one of these."""

    UNISSUED = "unissued"
    REDO = "redo"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


class JobEvent(StrEnum):
    """What can happen to a job, in the words of its diagram."""

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
    """What can happen to a task, in the words of its diagram."""

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
    # A retried job comes here with a plan, and goes on from what is committed.
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
    # The point of no return: parts may be visible, so the job can only go on. A retry does just that.
    JobState.PUBLISH: {
        JobEvent.PUBLISHED: JobState.COMPLETE,
        JobEvent.REOPEN_MAP: JobState.MAP,
        JobEvent.REOPEN_REDUCE: JobState.REDUCE,
        JobEvent.RETRY: JobState.PUBLISH,
    },
    # Its result stays until that of the other reduces takes its place.
    JobState.COMPLETE: {JobEvent.REDUCE_ANEW: JobState.PENDING},
    JobState.FAIL: {JobEvent.RETRY: JobState.PENDING},
    JobState.CANCELLED: {JobEvent.RETRY: JobState.PENDING},
}

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

ENDED = frozenset({JobState.COMPLETE, JobState.FAIL, JobState.CANCELLED})


def after(state: JobState | None, event: JobEvent) -> JobState:
    """The state of a job after an event; IllegalTransition where the event means nothing."""
    try:
        return JOB_TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"a job in {state or 'no state'} cannot go on with: {event}") from None
