"""Closing a shard: from the journal's entries of the winners to the shard's manifest and its totals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.map_manifest import encode_map_manifest
from kubemr_shell.shuffle.output_manifest import StagedPart, encode_output_manifest
from kubemr_shell.worker.journal import Counters, Entry, add_counters

Totals = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEntries(Exception):
    """Winners of which the journal knows nothing: (task, attempt) each; they have to run again."""

    attempts: tuple[tuple[int, int], ...]


def entries_of_winners(entries: Iterable[Entry], *, first: int, winners: Sequence[int]) -> list[Entry]:
    """The one entry of each winner, in task order; MissingEntries where there is none."""
    wanted = {(first + index, attempt) for index, attempt in enumerate(winners)}
    found = {(entry.task, entry.attempt): entry for entry in entries if (entry.task, entry.attempt) in wanted}
    missing = wanted - found.keys()
    if missing:
        raise MissingEntries(attempts=tuple(sorted(missing)))
    return [found[key] for key in sorted(found)]


def shard_manifest(entries: Sequence[Entry], *, with_ranges: bool) -> bytes:
    """The manifest of a shard whose tasks wrote map outputs (``with_ranges``) or staged parts."""
    first = entries[0].task
    if with_ranges:
        return encode_map_manifest(first, [entry.attempt for entry in entries], [entry.ranges for entry in entries])
    return encode_output_manifest(
        first,
        (
            StagedPart(
                task=entry.task,
                attempt=entry.attempt,
                bytes=entry.bytes_out,
                records=entry.records_out,
                crc32=entry.crc32,
            )
            for entry in entries
        ),
    )


def shard_counters(entries: Iterable[Entry]) -> Counters:
    """The sum of what the winners counted."""
    total: Counters = {}
    for entry in entries:
        add_counters(total, entry.counters)
    return total


def shard_totals(phase: Phase, entries: Sequence[Entry]) -> Totals:
    """What the summary tells of a phase: records, bytes, the slowest task, the largest and the heaviest."""
    slowest = max(entries, key=lambda entry: entry.seconds)
    largest = max(entries, key=lambda entry: entry.bytes_in)
    heaviest = max(entries, key=lambda entry: entry.heaviest_records)
    return {
        "recordsIn": sum(entry.records_in for entry in entries),
        "bytesIn": sum(entry.bytes_in for entry in entries),
        "recordsOut": sum(entry.records_out for entry in entries),
        "bytesOut": sum(entry.bytes_out for entry in entries),
        "slowest": {"task": names.task_label(phase, slowest.task), "seconds": round(slowest.seconds, 3)},
        "largest": {"task": names.task_label(phase, largest.task), "bytes": largest.bytes_in},
        "heaviest": {"key": heaviest.heaviest_key, "records": heaviest.heaviest_records},
    }


def merge_totals(parts: Iterable[Totals]) -> Totals:
    """Sum the totals of shards; of the slowest, largest and heaviest the greatest."""
    merged: Totals = {}
    for totals in parts:
        for name, value in totals.items():
            merged[name] = _merge(name, merged[name], value) if name in merged else value
    return merged


_MEASURE = {"slowest": "seconds", "largest": "bytes", "heaviest": "records"}


def _merge(name: str, one: object, other: object) -> object:
    if isinstance(one, dict) and isinstance(other, dict):
        return max(one, other, key=lambda value: value[_MEASURE[name]])
    assert isinstance(one, int)
    assert isinstance(other, int)
    return one + other
