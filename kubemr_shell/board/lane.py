"""What the closed shards of a phase have added to their job, kept apart in a few lanes. Pure.

Closings of one phase come close together, and each changes what the one before has written. So a shard belongs to one
of several lanes, and only closings of the same lane are in each other's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.job.counters import Counters, summed_counters

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
    totals: Totals = field(default_factory=dict)

    def with_closed(self, shard: int, counters: Counters, totals: Totals) -> Lane:
        shut = Ranges.of([shard])
        return Lane(
            turn=self.turn + 1,
            closed=self.closed | shut,
            counted=self.counted | shut,
            counters=summed_counters((self.counters, counters)),
            totals=summed_totals((self.totals, totals)),
        )

    def with_open(self, shard: int) -> Lane:
        """The shard is to be closed again; what it has added stays until then."""
        return Lane(
            turn=self.turn + 1,
            closed=self.closed - Ranges.of([shard]),
            counted=self.counted,
            counters=self.counters,
            totals=self.totals,
        )

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
        totals=lane["totals"],
    )


def format_lane(lane: Lane) -> dict[str, Any]:
    """The reverse of ``parse_lane``."""
    return {
        "turn": lane.turn,
        "closed": str(lane.closed),
        "counted": str(lane.counted),
        "counters": lane.counters,
        "totals": lane.totals,
    }


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
