"""Which claims have expired, as one observer sees it.

No wall clock is compared with another. An observer remembers when, by its own monotonic clock, it first saw a claim
with the heartbeat that it has; a claim that it has seen unchanged for too long is expired. Time in which an observer
could not reach the board does not count: the holders may not have reached it either. It does not begin anew with each
failure, or a board that often fails would keep the claims of the dead for ever.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_REMEMBERED = 50_000


class Observer:
    """Remembers (claim id, heartbeat) and the time of first sight."""

    def __init__(self, *, expiry_seconds: float, clock: Callable[[], float], is_dead: Callable[[str], bool]) -> None:
        self._expiry_seconds = expiry_seconds
        self._clock = clock
        self._is_dead = is_dead
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at = clock()
        self._away_since: float | None = None
        self._away_seconds = 0.0

    def is_expired(self, claim_id: str, worker: str, beat: int) -> bool:
        """Look at a claim. True when its worker is known to be gone, or has not renewed it for too long."""
        now = self._time_in_reach()
        seen_beat, since = self._seen.get(claim_id, (-1, now))
        if seen_beat != beat:
            since = now
        self._remember(claim_id, beat, since)
        return now - since >= self._expiry_seconds or self._is_dead(worker)

    def could_not_look(self) -> None:
        """The board did not answer: what has passed since the last look may have been out of reach."""
        if self._away_since is None:
            self._away_since = self._looked_at

    def _time_in_reach(self) -> float:
        now = self._looked_at = self._clock()
        if self._away_since is not None:
            self._away_seconds += now - self._away_since
            self._away_since = None
        return now - self._away_seconds

    def _remember(self, claim_id: str, beat: int, since: float) -> None:
        """The oldest go first when there are too many: they are of claims that ended long ago."""
        self._seen[claim_id] = (beat, since)
        if len(self._seen) > MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
