"""The state of one shard as a value, and as it stands in a TaskShard document. Pure.

Tasks are numbered from 0 within the shard here and in the document. Each is in exactly one of these: not yet issued
(``next`` and above), ``redo``, held by one claim, ``done``, ``failed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubemr_shell.board.documents import Document
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.task_numbers import format_numbers, parse_numbers

LOSSES_AMONG_OTHERS = 2
"""Of a task whose holder had other tasks too. After so many the task is a suspect, and runs alone."""
ATTEMPTS_AN_EPOCH = 1 << 16
"""A shard that is begun anew in a later epoch numbers its attempts from epoch times this: never again the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardClaim:
    """Who holds which tasks. ``beat`` counts the renewals, ``slots`` is how many tasks the holder runs at once."""

    worker: str
    tasks: Ranges
    beat: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task has failed for good, as the worker put it, and the retry of the job in which it did."""

    retry: int
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """The job's order to do a task again although it was done. ``attempt`` is the one that was found spoiled."""

    epoch: int
    task: int
    attempt: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """Numbers that most tasks share are not stored: an attempt is ``first_attempt``, a count is 0."""

    count: int
    first_attempt: int = 0
    epoch: int = 0
    """The last reopening that was carried out here."""
    retry: int = 0
    """The retry of the job to which ``fails``, ``lost`` and ``failed`` belong."""
    next: int = 0
    """Tasks below it were issued at least once; it never goes down."""
    done: Ranges = field(default_factory=Ranges)
    redo: Ranges = field(default_factory=Ranges)
    failed: Ranges = field(default_factory=Ranges)
    attempts: Mapping[int, int] = field(default_factory=dict)
    """The attempt that holds the task now, that its next holder will make, or that was committed: the winner."""
    fails: Mapping[int, int] = field(default_factory=dict)
    """Attempts whose command failed."""
    lost: Mapping[int, int] = field(default_factory=dict)
    """Attempts whose holder was lost: up to ``LOSSES_AMONG_OTHERS``, then those that ran alone."""
    task_us: int = 0
    """The time of a task in microseconds, smoothed, for newcomers."""
    failure: Failure | None = None
    claims: Mapping[str, ShardClaim] = field(default_factory=dict)

    @property
    def available(self) -> int:
        return len(self.redo) + self.count - self.next

    @property
    def suspects(self) -> Ranges:
        """Tasks that may be what their holders were lost by: each runs alone, so that no other is blamed for it."""
        return Ranges.of(task for task, count in self.lost.items() if count >= LOSSES_AMONG_OTHERS) - self.done

    @property
    def is_covered(self) -> bool:
        return len(self.done) == self.count

    def attempt(self, task: int) -> int:
        return self.attempts.get(task, self.first_attempt)

    def has_won(self, task: int, attempt: int) -> bool:
        return task in self.done and self.attempt(task) == attempt


def parse_state(document: Document) -> ShardState:
    """The state in a TaskShard document."""
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
    return ShardClaim(worker=claim["w"], tasks=Ranges.parse(claim["r"]), beat=claim["hb"], slots=claim["slots"])


def format_state(state: ShardState) -> dict[str, Any]:
    """The reverse of ``parse_state``."""
    return {
        **{key: format_field(getattr(state, name)) for name, key in SCALARS.items()},
        **{key: format_numbers(getattr(state, name)) for name, key in NUMBERS.items()},
        "us": state.task_us,
        "failure": format_field(state.failure),
        "claims": {claim_id: format_field(claim) for claim_id, claim in state.claims.items()},
    }


SCALARS = {"epoch": "epoch", "retry": "retry", "next": "next", "done": "done", "redo": "redo", "failed": "failed"}
"""Fields of the state that are tested whenever they change, and what they are called in the document."""
NUMBERS = {"attempts": "att", "fails": "fails", "lost": "lost"}
"""Likewise, of numbers by task."""


def format_field(value: object) -> object:
    match value:
        case Ranges():
            return str(value)
        case ShardClaim():
            return {"w": value.worker, "r": str(value.tasks), "hb": value.beat, "slots": value.slots}
        case Failure():
            return {"retry": value.retry, "facts": dict(value.facts)}
        case _:
            return value
