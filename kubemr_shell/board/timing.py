"""The times of the board's protocol. They are values of a run, so that no test has to wait for them."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.net.refusals import REFUSED_SECONDS

WRITE_BUDGET = 200
"""Writes a second that one job may ask of an API server."""

LEASE_SECONDS = 60.0
"""In a cluster, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """All in seconds."""

    lease_seconds: float
    """A claim is renewed when it was not written for that long."""
    batch_seconds: float
    """The work that one claim should hold for each slot."""
    least_batch_seconds: float = 0.0
    """A claim holds at least that much, however few tasks are left: bounds the writes of many agents."""
    steal_seconds: float = 0.0
    """Work that its holder will have done in that time is not stolen."""
    idle_seconds: float
    """Until the next look when there is nothing to do."""
    jitter_seconds: float = 0.0
    """Added to it, at random from zero up to this, so that agents do not come all at once."""
    spread_seconds: float = 0.0
    """Until what one agent writes is seen by others: those that want the same choose times so far apart."""
    longest_idle_seconds: float = 0.0
    """An agent that finds nothing again and again looks less and less often, up to this, and at one shard each time."""
    close_patience_seconds: float
    """How long a full shard waits for its last committer to close it, before anybody else does."""
    probes: int
    """Shards that one look for work reads at most."""
    give_up_seconds: float
    """A board that does not answer for that long is unavailable."""
    refused_seconds: float = 0.0
    """A board that refuses for that long is one to which a right is missing; 0: the first refusal says so."""
    commit_seconds: float
    """A worker commits what its slots have finished at least that often, while they have more to do."""
    state_seconds: float
    """A worker whose slots are all busy looks that often whether the job has ended elsewhere."""

    @property
    def expiry_seconds(self) -> float:
        """A claim whose heartbeat an observer has seen unchanged for that long is taken from its holder."""
        return 2.5 * self.lease_seconds

    @property
    def longest_pause_seconds(self) -> float:
        """Between two looks at the job of an agent that has nothing to do."""
        return max(self.idle_seconds, self.longest_idle_seconds)

    @classmethod
    def local(cls) -> Timing:
        """One machine: a write costs a fraction of a millisecond."""
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
    def cluster(cls, agents: int, *, lease_seconds: float = LEASE_SECONDS) -> Timing:
        """A cluster: all agents of a job together stay under ``WRITE_BUDGET``."""
        pause = agents / WRITE_BUDGET
        return cls(
            lease_seconds=lease_seconds,
            batch_seconds=30.0,
            least_batch_seconds=max(1.0, pause),
            steal_seconds=2 * max(1.0, pause),
            idle_seconds=float(min(max(agents / 100, 1), 30)),
            jitter_seconds=pause,
            spread_seconds=0.05,
            longest_idle_seconds=float(min(max(agents / 25, 2), 30)),
            close_patience_seconds=5.0,
            probes=1,
            give_up_seconds=300.0,
            refused_seconds=REFUSED_SECONDS,
            commit_seconds=max(5.0, pause),
            state_seconds=max(10.0, pause),
        )
