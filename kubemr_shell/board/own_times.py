"""When an agent does what many want to do at the same moment: plan, enter a phase, close a shard.

Each chooses a time of its own, so that the first has hardly to wait, however many there are, and the others see what it
did. How far apart these times are follows from what the store takes to answer. Where writes cost nothing (one machine,
whose ``spread_seconds`` is 0) nobody waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from kubemr_shell.board.job_view import JobView
from kubemr_shell.board.steps import ShardKey
from kubemr_shell.board.timing import Timing
from kubemr_shell.job.state import Phase

CLOSERS = 2
ENTRANCES = 4
"""How much less densely agents close shards, and enter a phase, than one write needs: the next one soon follows."""
WRITES_AT_FIRST = 5
"""Of an agent that enters a phase: it claims, claims more as it knows how long a task takes, commits, closes; and one
to spare."""
ANSWERS = 2
"""Of the store, until others see what an agent does: it reads, and writes."""
MOST_SPREAD = 5
"""A store that is slow for a moment makes nobody wait longer than that many times as usual."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, less their whole parts, are spread evenly, however many there are."""


class OwnTimes:
    """Of one agent; all in seconds from now, 0 when its time has come.

    ``number``: which of the ``agents`` it is, from 0, where that is known. ``answer_seconds``: what the store takes to
    answer just now.
    """

    def __init__(
        self,
        timing: Timing,
        *,
        agents: int,
        number: int | None,
        clock: Callable[[], float],
        random: Random,
        answer_seconds: Callable[[], float],
    ) -> None:
        self._timing = timing
        self._agents = agents
        self._number = number
        self._clock = clock
        self._random = random
        self._answer_seconds = answer_seconds
        self._due: dict[object, float] = {}

    def home(self, shards: int) -> int:
        """Where it looks for work first: as many agents in each shard, if it knows its number."""
        if self._number is not None:
            return self._number * shards // self._agents % shards
        return self._random.randrange(shards) if self._agents > 1 else 0

    def to_plan(self) -> float:
        return self._until("planner", self._agents * self._spread, self._random.random())

    def to_enter(self, view: JobView, phase: Phase) -> float:
        """Agents that share a shard come far from each other, and all together within the budget of writes."""
        agents_a_shard = self._agents / max(1, view.layout(phase).shards)
        within = max(ENTRANCES * agents_a_shard * self._spread, WRITES_AT_FIRST * self._timing.jitter_seconds)
        share = self._random.random() if self._number is None else self._number * GOLDEN % 1
        return self._until(_entrance(view, phase), within, share)

    def enter_now(self, view: JobView) -> None:
        """It has brought the job to its phase, and goes on at once: others have yet to see that."""
        if view.phase:
            self._due[_entrance(view, view.phase)] = self._clock()

    def to_close(self, view: JobView, key: ShardKey) -> float:
        """A shard that it has covered."""
        within = min(
            CLOSERS * view.layout(key.phase).shards * self._spread,
            self._timing.close_patience_seconds,
        )
        return self._until((key, view.shard_epoch(key.phase, key.shard)), within, self._random.random())

    @property
    def _spread(self) -> float:
        """Between two who want the same: until what one has written is seen by the other."""
        least = self._timing.spread_seconds
        return min(max(least, ANSWERS * self._answer_seconds()), MOST_SPREAD * least)

    def _until(self, what: object, within: float, share: float) -> float:
        now = self._clock()
        return max(0.0, self._due.setdefault(what, now + within * share) - now)


def _entrance(view: JobView, phase: Phase) -> object:
    return ("entrance", phase, view.base(phase))
