"""The lanes of a phase: they record its closed shards, and the counters and totals of these shards. Pure.

The shards of a phase are often closed at nearly the same time. If all closings changed the same record, most of them
would be refused. So each shard belongs to one of several lanes, and only closings of one lane conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.job.counters import MOST_BYTES, CounterName, Counters, Kept, summed_within

SHARDS_A_LANE = 2
"""The number of shards that share a lane, while there are fewer than ``MOST_LANES`` lanes."""
MOST_LANES = 16
"""The greatest number of lanes of a phase. More would cost more space in the job's document than they save time."""

Totals = Mapping[str, Any]
"""Measurements by name: a number, which is summed, or a mapping with one number, of which the greatest stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The record of the closed shards of one lane. Every change of the lane raises and tests ``turn``."""

    turn: int = 0
    closed: Ranges = field(default_factory=Ranges)
    counted: Ranges = field(default_factory=Ranges)
    """The shards whose counters are in ``counters``. A reopened shard stays among them."""
    counters: Counters = field(default_factory=dict)
    dropped_from: CounterName | None = None
    """The first counter, in the order of group and name, for which ``counters`` had no room."""
    totals: Totals = field(default_factory=dict)

    @property
    def kept(self) -> Kept:
        """Return the counters, with the name of the first counter that was dropped."""
        return Kept(counters=self.counters, dropped_from=self.dropped_from)

    def with_closed(self, shard: int, counters: Counters, totals: Totals, *, lanes: int = 1) -> Lane:
        """Return the lane with one more closed shard and its counts. ``lanes`` is the number of lanes of the phase."""
        shut = Ranges.of([shard])
        kept = summed_within((self.kept, Kept(counters=counters)), most_bytes=MOST_BYTES // lanes)
        return Lane(
            turn=self.turn + 1,
            closed=self.closed | shut,
            counted=self.counted | shut,
            counters=kept.counters,
            dropped_from=kept.dropped_from,
            totals=summed_totals((self.totals, totals)),
        )

    def with_open(self, shard: int) -> Lane:
        """Return the lane with the shard open again. The counts of the shard stay until it is closed again."""
        return replace(self, turn=self.turn + 1, closed=self.closed - Ranges.of([shard]))

    def begun_anew(self) -> Lane:
        """Return an empty lane with the next turn."""
        return Lane(turn=self.turn + 1)


Lanes = Mapping[int, Lane]
"""The lanes of one phase."""


def lanes_of(shards: int) -> Lanes:
    """Return the lanes of a phase that has ``shards`` open shards."""
    return {number: Lane() for number in range(min(-(-shards // SHARDS_A_LANE), MOST_LANES))}


def lane_of(lanes: Lanes, shard: int) -> int:
    """Return the lane of a shard. Neighbours have different lanes, as they are often closed at the same time."""
    return shard % len(lanes)


def parse_lane(lane: Mapping[str, Any]) -> Lane:
    """Return a lane from its form in the ``status`` of a job."""
    return Lane(
        turn=lane["turn"],
        closed=Ranges.parse(lane["closed"]),
        counted=Ranges.parse(lane["counted"]),
        counters=lane["counters"],
        dropped_from=_counter_name(lane.get("droppedFrom")),
        totals=lane["totals"],
    )


def format_lane(lane: Lane) -> dict[str, Any]:
    """Return the form of a lane in the ``status`` of a job: the reverse of ``parse_lane``."""
    dropped = {} if lane.dropped_from is None else {"droppedFrom": list(lane.dropped_from)}
    return {
        "turn": lane.turn,
        "closed": str(lane.closed),
        "counted": str(lane.counted),
        "counters": lane.counters,
        **dropped,
        "totals": lane.totals,
    }


def _counter_name(pair: Sequence[str] | None) -> CounterName | None:
    return None if pair is None else (pair[0], pair[1])


def summed_totals(parts: Iterable[Totals]) -> Totals:
    """Return the sum of totals: numbers are added, and of mappings the one with the greatest number stays."""
    total: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if name not in total:
                total[name] = value
            elif isinstance(value, Mapping):
                total[name] = max(total[name], value, key=_measure)
            else:
                total[name] += value
    return total


def _measure(greatest: Mapping[str, Any]) -> float:
    return max(value for value in greatest.values() if isinstance(value, int | float))
