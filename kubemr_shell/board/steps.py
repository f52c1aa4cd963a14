"""What the board answers to a worker that asks what to do next, and the claims that it hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from kubemr_shell.job.state import JobState, Phase

RoleName: TypeAlias = Literal["planner", "finisher"]
"""As the job's document has it."""


class Attempt(NamedTuple):
    """One try of one task. No two claims ever hold the same, so an attempt names its outputs."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardKey:
    """Which shard. ``epoch`` is the one in which its phase was begun anew."""

    phase: Phase
    epoch: int
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Tasks of one shard that are this worker's until it commits, fails or gives them back, or its lease ends.

    Each write of the holder but a renewal makes a new claim with a new ``id``, which replaces the one before. A worker
    holds at most one claim in a shard.
    """

    phase: Phase
    epoch: int
    shard: int
    id: str
    first: int
    """The first task of the shard."""
    attempts: tuple[Attempt, ...]
    """Not yet committed, in task order; those not yet started included."""
    lost: tuple[Attempt, ...] = ()
    """Attempts of the claim before this one that others have taken: drop them and what they made."""
    beat: int = 0
    """Counts the renewals."""

    @property
    def key(self) -> ShardKey:
        return ShardKey(phase=self.phase, epoch=self.epoch, shard=self.shard)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleClaim:
    """The claim of what only one worker does at a time: to plan the job, or to finish it."""

    role: RoleName
    id: str
    beat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """List the inputs, write the splits under the claim's id, call ``record_plan``."""

    claim: RoleClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """The plan is there: get ready to work by its spec, then ask again and say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Run the attempts of the claim."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The shard is covered: write its manifest under (phase, epoch, shard), call ``close``."""

    phase: Phase
    epoch: int
    shard: int
    first: int
    """The first task of the shard."""
    winners: tuple[int, ...]
    """The attempt that won, for each task of the shard."""
    counted: tuple[Attempt, ...]
    """The winners that no earlier close has counted: these the counters and totals must cover."""
    replaced: tuple[Attempt, ...] = ()
    """Attempts that an earlier close has counted and that are no longer winners: to be subtracted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    """Every part is published: write ``_SUCCESS``, call ``complete``."""

    claim: RoleClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing to do now; ask again after that long."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Nothing is left to do for this worker."""

    state: JobState | None
    """COMPLETE, FAIL or CANCELLED; None: it was retried since this board was opened, and has workers of its own."""


Step: TypeAlias = Planning | Preparing | Working | Closing | Finishing | Idle | Over
