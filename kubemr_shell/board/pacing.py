"""The pacing of the writes that many workers want to make at once: to plan, to enter a phase, to close a shard.

Each worker chooses its own time. So the first worker hardly waits, however many workers there are, and the others see
its result before their time comes. The distance of these times follows from the time in which the store answers. On one
machine, where a write costs almost nothing (``spread_seconds`` is 0), no worker waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.steps import ShardKey
from kubemr_shell.board.timing import Timing
from kubemr_shell.job.state import Phase

CLOSERS = 2
"""The mean distance of two closings, as a multiple of the spread. Each closing is soon followed by further writes."""
ENTRANCES = 4
"""The mean distance of two workers that enter a phase, as a multiple of the spread, for the same reason."""
WRITES_AT_FIRST = 5
"""The writes of a worker that enters a phase: a claim, a larger claim when the time of a task is known, a commit, a
close, and one to spare.
"""
ANSWERS = 2
"""The answers of the store until other workers can see an act: one to a read, and one to a write."""
MOST_SPREAD = 5
"""The greatest factor by which a slow store lengthens the distance of the times."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""The golden ratio. The fractional parts of its multiples are spread evenly, however many there are."""


class Pacing:
    """The times at which one worker makes such writes. Each time is in seconds from now, and 0 when it has come.

    ``number``: the number of this worker among the ``workers``, from 0, if known.
    ``answer_seconds``: returns the present time, in seconds, in which the store answers.
    """

    def __init__(
        self,
        timing: Timing,
        *,
        workers: int,
        number: int | None,
        clock: Callable[[], float],
        random: Random,
        answer_seconds: Callable[[], float],
    ) -> None:
        self._timing = timing
        self._workers = workers
        self._number = number
        self._clock = clock
        self._random = random
        self._answer_seconds = answer_seconds
        self._due: dict[object, float] = {}

    def home(self, shards: int) -> int:
        """Return the shard in which this worker looks for work first. Numbered workers are spread evenly."""
        if self._number is not None:
            return self._number * shards // self._workers % shards
        return self._random.randrange(shards) if self._workers > 1 else 0

    def to_plan(self) -> float:
        """Return the seconds until this worker may claim the role of the planner."""
        return self._until("planner", self._workers * self._spread, self._random.random())

    def to_enter(self, view: JobView, phase: Phase) -> float:
        """Return the seconds until this worker may enter a phase.

        Workers that share a shard enter far from each other, and all workers together keep to the budget of writes.
        """
        workers_a_shard = self._workers / max(1, view.layout(phase).shards)
        within = max(ENTRANCES * workers_a_shard * self._spread, WRITES_AT_FIRST * self._timing.jitter_seconds)
        share = self._random.random() if self._number is None else self._number * GOLDEN % 1
        return self._until(_entrance(view, phase), within, share)

    def enter_now(self, view: JobView) -> None:
        """Let this worker enter the phase at once, because it began the phase and no other worker knows yet."""
        if view.phase:
            self._due[_entrance(view, view.phase)] = self._clock()

    def to_close(self, view: JobView, key: ShardKey) -> float:
        """Return the seconds until this worker may close a shard whose last commit it has made."""
        within = min(
            CLOSERS * view.layout(key.phase).shards * self._spread,
            self._timing.close_patience_seconds,
        )
        return self._until((key, view.shard_epoch(key.phase, key.shard)), within, self._random.random())

    @property
    def _spread(self) -> float:
        """Return the distance of two workers' times: the seconds until one can see what the other has written."""
        least = self._timing.spread_seconds
        return min(max(least, ANSWERS * self._answer_seconds()), MOST_SPREAD * least)

    def _until(self, what: object, within: float, share: float) -> float:
        now = self._clock()
        return max(0.0, self._due.setdefault(what, now + within * share) - now)


def _entrance(view: JobView, phase: Phase) -> object:
    return ("entrance", phase, view.base(phase))
