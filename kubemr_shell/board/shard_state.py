"""The state of one shard as a value, and its form in a TaskShard document. Pure.

Tasks are numbered from 0 within the shard, here and in the document. Each task is in exactly one of these sets: not yet
issued (``next`` and above), ``redo``, held by one claim, ``done``, ``failed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.stores.documents import Document
from kubemr_shell.board.task_numbers import format_numbers, parse_numbers

LOSSES_AMONG_OTHERS = 2
"""The number of times that a task is lost together with others before it is a suspect, and runs alone."""
ATTEMPTS_AN_EPOCH = 1 << 16
"""The attempts of a shard are numbered from its epoch times this number, so no attempt has a number twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardClaim:
    """The claim of one worker on some tasks of the shard.

    ``beat`` is the heartbeat. ``slots`` is the number of tasks that the worker runs at the same time.
    """

    worker: str
    tasks: Ranges
    beat: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The reason why a task has failed for good, in the words of the worker, and the job's retry at that time."""

    retry: int
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """An order of the job to run a committed task again. ``attempt`` is the attempt whose output is damaged.

    ``attempt`` is None for a task of PUBLISH, which runs again because a part must be published again.
    """

    epoch: int
    task: int
    attempt: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """The state of a shard.

    The numbers that most tasks share are not stored: an attempt that is ``first_attempt``, and a count of 0.
    """

    count: int
    first_attempt: int = 0
    epoch: int = 0
    """The epoch of the last reopening that was applied to this shard."""
    retry: int = 0
    """The retry of the job to which ``fails``, ``lost`` and ``failed`` belong."""
    next: int = 0
    """The first task that was never issued. All tasks below were issued at least once. Never decreases."""
    done: Ranges = field(default_factory=Ranges)
    redo: Ranges = field(default_factory=Ranges)
    failed: Ranges = field(default_factory=Ranges)
    attempts: Mapping[int, int] = field(default_factory=dict)
    """By task: the attempt that runs now, or that the next holder will make, or that was committed (the winner)."""
    fails: Mapping[int, int] = field(default_factory=dict)
    """By task: the number of attempts whose command failed."""
    lost: Mapping[int, int] = field(default_factory=dict)
    """By task: the attempts whose worker was lost. Above ``LOSSES_AMONG_OTHERS``, only attempts that ran alone."""
    task_us: int = 0
    """The smoothed time of a task in microseconds; 0 while it is unknown. New workers use it for their claims."""
    failure: Failure | None = None
    claims: Mapping[str, ShardClaim] = field(default_factory=dict)

    @property
    def available(self) -> int:
        """Return the number of tasks that can be claimed."""
        return len(self.redo) + self.count - self.next

    @property
    def suspects(self) -> Ranges:
        """Return the tasks that may have ended their workers. Each runs alone, so that no other task is blamed."""
        return Ranges.of(task for task, count in self.lost.items() if count >= LOSSES_AMONG_OTHERS) - self.done

    @property
    def is_covered(self) -> bool:
        """Return whether all tasks are committed."""
        return len(self.done) == self.count

    def attempt(self, task: int) -> int:
        """Return the number of the present, the next or the committed attempt of a task."""
        return self.attempts.get(task, self.first_attempt)

    def has_won(self, task: int, attempt: int) -> bool:
        """Return whether the attempt is the winner of the task."""
        return task in self.done and self.attempt(task) == attempt


def parse_state(document: Document) -> ShardState:
    """Return the state in a TaskShard document."""
    state = document["state"]
    failure = state["failure"]
    return ShardState(
        count=document["spec"]["count"],
        first_attempt=document["spec"]["epoch"] * ATTEMPTS_AN_EPOCH,
        epoch=state["epoch"],
        retry=state["retry"],
        next=state["next"],
        done=Ranges.parse(state["done"]),
        redo=Ranges.parse(state["redo"]),
        failed=Ranges.parse(state["failed"]),
        attempts=parse_numbers(state["att"]),
        fails=parse_numbers(state["fails"]),
        lost=parse_numbers(state["lost"]),
        task_us=state["us"],
        failure=Failure(retry=failure["retry"], facts=failure["facts"]) if failure else None,
        claims={claim_id: parse_claim(claim) for claim_id, claim in state["claims"].items()},
    )


def parse_claim(claim: Mapping[str, Any]) -> ShardClaim:
    """Return a claim from its form in a TaskShard document."""
    return ShardClaim(worker=claim["w"], tasks=Ranges.parse(claim["r"]), beat=claim["hb"], slots=claim["slots"])


def format_state(state: ShardState) -> dict[str, Any]:
    """Return the form of a state in a TaskShard document: the reverse of ``parse_state``."""
    return {
        **{key: format_field(getattr(state, name)) for name, key in SCALARS.items()},
        **{key: format_numbers(getattr(state, name)) for name, key in NUMBERS.items()},
        "us": state.task_us,
        "failure": format_field(state.failure),
        "claims": {claim_id: format_field(claim) for claim_id, claim in state.claims.items()},
    }


SCALARS = {"epoch": "epoch", "retry": "retry", "next": "next", "done": "done", "redo": "redo", "failed": "failed"}
"""The fields of the state that a patch tests whenever it changes them, and their names in the document."""
NUMBERS = {"attempts": "att", "fails": "fails", "lost": "lost"}
"""The fields with a number for each task, which a patch tests too, and their names in the document."""


def format_field(value: object) -> object:
    """Return the form of a field of the state in a TaskShard document."""
    match value:
        case Ranges():
            return str(value)
        case ShardClaim():
            return {"w": value.worker, "r": str(value.tasks), "hb": value.beat, "slots": value.slots}
        case Failure():
            return {"retry": value.retry, "facts": dict(value.facts)}
        case _:
            return value
