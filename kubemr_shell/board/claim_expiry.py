"""The decision which claims have expired, as one worker sees them.

No two wall clocks are compared. A worker remembers the time, by its own monotonic clock, at which it first saw the
present heartbeat of a claim. A claim whose heartbeat stays unchanged for too long is expired. Time in which the
worker cannot reach the board does not count, because the holders may not reach the board either. The count does not
start again after each failure: otherwise, on a board that often fails, the claims of dead workers would never expire.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_REMEMBERED = 50_000
"""The greatest number of claims that a worker remembers."""


class ClaimExpiry:
    """The claims that one worker has seen: the heartbeat of each, and the time at which it first saw the heartbeat.

    ``expiry_seconds``: the seconds after which a claim with an unchanged heartbeat is expired.
    ``is_dead``: returns whether a worker, given by name, is known from outside the board to be dead.
    """

    def __init__(self, *, expiry_seconds: float, clock: Callable[[], float], is_dead: Callable[[str], bool]) -> None:
        self._expiry_seconds = expiry_seconds
        self._clock = clock
        self._is_dead = is_dead
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at = clock()
        self._away_since: float | None = None
        self._away_seconds = 0.0

    def is_expired(self, claim_id: str, worker: str, beat: int) -> bool:
        """Return whether a claim has expired: its worker is dead, or has not renewed the claim for too long."""
        now = self._time_in_reach()
        seen_beat, since = self._seen.get(claim_id, (-1, now))
        if seen_beat != beat:
            since = now
        self._remember(claim_id, beat, since)
        return now - since >= self._expiry_seconds or self._is_dead(worker)

    def could_not_look(self) -> None:
        """Record that the board did not answer. The time since the last answer does not count for any claim."""
        if self._away_since is None:
            self._away_since = self._looked_at

    def _time_in_reach(self) -> float:
        now = self._looked_at = self._clock()
        if self._away_since is not None:
            self._away_seconds += now - self._away_since
            self._away_since = None
        return now - self._away_seconds

    def _remember(self, claim_id: str, beat: int, since: float) -> None:
        """Remember a claim. If there are too many, forget the oldest one: it probably ended long ago."""
        self._seen[claim_id] = (beat, since)
        if len(self._seen) > MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
