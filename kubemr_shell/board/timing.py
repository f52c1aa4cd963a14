"""The times of the board's protocol. They are values, not constants, so that tests can use short times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from kubemr_shell.waits.refusals import LONGEST_PAUSE_SECONDS, REFUSED_SECONDS, Refusals

WRITE_BUDGET = 200
"""The number of writes in a second that one job may request from an API server."""

LEASE_SECONDS = 60.0
"""The default of the lease in a cluster, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of a run, in seconds."""

    lease_seconds: float
    """The time without a write to a claim after which its holder renews the claim."""
    batch_seconds: float
    """The work that one claim should hold for each slot."""
    least_batch_seconds: float = 0.0
    """The least work of a claim for each slot, however few tasks are left. It bounds the writes of many workers."""
    steal_seconds: float = 0.0
    """The time within which a holder will do its waiting tasks itself, so that they are not stolen."""
    idle_seconds: float
    """The pause of a worker that finds nothing to do."""
    jitter_seconds: float = 0.0
    """The greatest random addition to this pause, so that workers do not ask all at once."""
    spread_seconds: float = 0.0
    """The time until others see what a worker writes: the least distance of workers that want to do the same act."""
    longest_idle_seconds: float = 0.0
    """The longest pause of a worker that finds nothing again and again. It reads only one shard each time."""
    close_patience_seconds: float
    """The time that a covered shard waits for its last committer, before any other worker closes the shard."""
    probes: int
    """The greatest number of shards (not seconds) that one search for work reads."""
    give_up_seconds: float
    """The time without an answer after which the board counts as unavailable."""
    refused_seconds: float = 0.0
    """The time of refusals after which a permission counts as missing. With 0, the first refusal is an error."""
    commit_seconds: float
    """The longest time between two commits of finished tasks, while the slots have more tasks."""
    state_seconds: float
    """The pause between two checks of a worker with busy slots whether the job has ended."""

    @property
    def expiry_seconds(self) -> float:
        """Return the time after which a claim with an unchanged heartbeat is expired."""
        return 2.5 * self.lease_seconds

    @property
    def longest_pause_seconds(self) -> float:
        """Return the longest pause between two reads of the job by a worker without work."""
        return max(self.idle_seconds, self.longest_idle_seconds)

    def refusals(self, *, clock: Callable[[], float], random: Random, tell: Callable[[str | None], object]) -> Refusals:
        """Return a new count of the refusals of one kind of request. ``tell`` is as in ``Refusals``."""
        return Refusals(
            budget_seconds=self.refused_seconds,
            clock=clock,
            random=random,
            longest_pause=max(LONGEST_PAUSE_SECONDS, self.longest_pause_seconds),
            tell=tell,
        )

    @classmethod
    def local(cls) -> Timing:
        """Return the times for one machine, where a write takes a fraction of a millisecond."""
        return cls(
            lease_seconds=10.0,
            batch_seconds=0.5,
            idle_seconds=0.02,
            close_patience_seconds=1.0,
            probes=16,
            give_up_seconds=30.0,
            commit_seconds=0.25,
            state_seconds=1.0,
        )

    @classmethod
    def cluster(cls, workers: int, *, lease_seconds: float = LEASE_SECONDS) -> Timing:
        """Return the times for a cluster. All ``workers`` of the job together keep to ``WRITE_BUDGET``."""
        pause = workers / WRITE_BUDGET
        return cls(
            lease_seconds=lease_seconds,
            batch_seconds=30.0,
            least_batch_seconds=max(1.0, pause),
            steal_seconds=2 * max(1.0, pause),
            idle_seconds=float(min(max(workers / 100, 1), 30)),
            jitter_seconds=pause,
            spread_seconds=0.05,
            longest_idle_seconds=float(min(max(workers / 25, 2), 30)),
            close_patience_seconds=5.0,
            probes=1,
            give_up_seconds=300.0,
            refused_seconds=REFUSED_SECONDS,
            commit_seconds=max(5.0, pause),
            state_seconds=max(10.0, pause),
        )
