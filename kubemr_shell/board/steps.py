"""The steps that the board gives to a worker, and the claims inside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from kubemr_shell.job.state import JobState, Phase

RoleName: TypeAlias = Literal["planner", "finisher"]
"""The name of a role that one worker has at a time, as a field of the job's status."""


class Attempt(NamedTuple):
    """An execution of a task. No two claims ever hold the same attempt, so its number can name its outputs."""

    task: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardKey:
    """The key of a shard. ``epoch`` is the epoch in which the shards of its phase were started."""

    phase: Phase
    epoch: int
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim on tasks of one shard. It holds until the worker commits, fails or gives them back, or the lease ends.

    Each write of the holder, except a renewal, makes a new claim with a new ``id``, which replaces the earlier claim. A
    worker holds at most one claim in a shard.
    """

    phase: Phase
    epoch: int
    shard: int
    id: str
    first: int
    """The first task of the shard."""
    attempts: tuple[Attempt, ...]
    """The uncommitted attempts, started or not, in the order of tasks."""
    lost: tuple[Attempt, ...] = ()
    """The attempts of the earlier claim that other workers have taken. The holder drops them and their outputs."""
    beat: int = 0
    """The heartbeat: the number of renewals."""

    @property
    def key(self) -> ShardKey:
        """Return the key of the shard of this claim."""
        return ShardKey(phase=self.phase, epoch=self.epoch, shard=self.shard)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleClaim:
    """A claim on a role that one worker has at a time: to plan the job, or to finish it."""

    role: RoleName
    id: str
    beat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """A step: list the inputs, write the splits under the claim's id, and call ``record_plan``."""

    claim: RoleClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """A step: the job has a plan; get ready for its spec, and then call ``next`` again with ``is_ready=True``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A step: run the attempts of the claim."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A step: the shard is covered; write its manifest under (phase, epoch, shard), and call ``close``."""

    phase: Phase
    epoch: int
    shard: int
    first: int
    """The first task of the shard."""
    winners: tuple[int, ...]
    """The attempt number of the winner of each task of the shard."""
    counted: tuple[Attempt, ...]
    """The winners that no earlier close has counted. The counters and totals must include them."""
    replaced: tuple[Attempt, ...] = ()
    """The former winners that an earlier close has counted. The counters and totals must subtract them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    """A step: every part is published; write ``_SUCCESS``, and call ``complete``."""

    claim: RoleClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A step: there is nothing to do now; call ``next`` again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The last step: nothing is left to do for this worker."""

    state: JobState | None
    """COMPLETE, FAIL or CANCELLED. None: the job was retried since this worker began, and has other workers now."""


Step: TypeAlias = Planning | Preparing | Working | Closing | Finishing | Idle | Over
"""A step of a worker, as ``Board.next`` returns it."""
