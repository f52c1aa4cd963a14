"""Which claims have expired, as one observer sees it.

No wall clock is compared with another. An observer remembers when, by its own monotonic clock, it first saw a claim
with the heartbeat that it has; a claim that it has seen unchanged for too long is expired. An observer that could not
reach the board forgets what it saw: the holders may not have reached it either.
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

    def is_expired(self, claim_id: str, worker: str, beat: int) -> bool:
        """Look at a claim. True when its worker is known to be gone, or has not renewed it for too long."""
        now = self._clock()
        seen_beat, since = self._seen.get(claim_id, (-1, now))
        if seen_beat != beat:
            since = now
        self._remember(claim_id, beat, since)
        return now - since >= self._expiry_seconds or self._is_dead(worker)

    def forget_all(self) -> None:
        self._seen.clear()

    def _remember(self, claim_id: str, beat: int, since: float) -> None:
        """The oldest go first when there are too many: they are of claims that ended long ago."""
        self._seen[claim_id] = (beat, since)
        if len(self._seen) > MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
