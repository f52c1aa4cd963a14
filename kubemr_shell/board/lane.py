"""What the closed shards of a phase have added to their job, kept apart in a few lanes. Pure.

Closings of one phase come close together, and each changes what the one before has written. So a shard belongs to one
of several lanes, and only closings of the same lane are in each other's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.job.counters import MOST_BYTES, CounterName, Counters, Kept, summed_within

SHARDS_A_LANE = 2
MOST_LANES = 16
"""More would make the job's document larger than what they save."""

Totals = Mapping[str, Any]
"""Numbers, which add up, and mappings with one number in each, of which the greatest stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """``turn`` is raised and tested by every change of the lane; it never goes down."""

    turn: int = 0
    closed: Ranges = field(default_factory=Ranges)
    counted: Ranges = field(default_factory=Ranges)
    """Shards whose counters are in ``counters``; a reopened shard stays here."""
    counters: Counters = field(default_factory=dict)
    dropped_from: CounterName | None = None
    """The first counter, in the order of group and name, for which ``counters`` had no room."""
    totals: Totals = field(default_factory=dict)

    @property
    def kept(self) -> Kept:
        """Return the counters with what is known of those that were dropped."""
        return Kept(counters=self.counters, dropped_from=self.dropped_from)

    def with_closed(self, shard: int, counters: Counters, totals: Totals, *, lanes: int = 1) -> Lane:
        """Return the lane with one more closed shard, and what that has counted. The phase has so many ``lanes``."""
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
        """The shard is to be closed again; what it has added stays until then."""
        return replace(self, turn=self.turn + 1, closed=self.closed - Ranges.of([shard]))

    def begun_anew(self) -> Lane:
        return Lane(turn=self.turn + 1)


Lanes = Mapping[int, Lane]
"""The lanes of one phase."""


def lanes_of(shards: int) -> Lanes:
    """Those of a phase with that many shards, none of which is closed."""
    return {number: Lane() for number in range(min(-(-shards // SHARDS_A_LANE), MOST_LANES))}


def lane_of(lanes: Lanes, shard: int) -> int:
    """Neighbours are in different ones, as they are often closed at the same time."""
    return shard % len(lanes)


def parse_lane(lane: Mapping[str, Any]) -> Lane:
    """As it stands in a status."""
    return Lane(
        turn=lane["turn"],
        closed=Ranges.parse(lane["closed"]),
        counted=Ranges.parse(lane["counted"]),
        counters=lane["counters"],
        dropped_from=_counter_name(lane.get("droppedFrom")),
        totals=lane["totals"],
    )


def format_lane(lane: Lane) -> dict[str, Any]:
    """The reverse of ``parse_lane``."""
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
