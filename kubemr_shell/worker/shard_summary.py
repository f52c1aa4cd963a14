"""The close of a shard: its manifest, counters and totals, made from the journal's entries of the winners. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubemr_shell.board.shard_state import ATTEMPTS_AN_EPOCH
from kubemr_shell.board.steps import Attempt
from kubemr_shell.job import names
from kubemr_shell.job.counters import Counters, negative, summed_first
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.map_manifest import encode_map_manifest
from kubemr_shell.shuffle.output_manifest import StagedPart, encode_output_manifest
from kubemr_shell.worker.journal import Entry

Totals = dict[str, Any]
"""The totals of a shard, as ``board.lane.Totals`` describes them."""
REQUESTS = "s3."
"""The prefix of the names of totals that count S3 requests, one total for each kind."""


class MissingEntries(Exception):
    """The journal lacks the entries of some winners, whose tasks have to run again."""

    def __init__(self, attempts: list[Attempt]) -> None:
        self.attempts = attempts


def entries_of_winners(entries: Mapping[Attempt, Entry], *, first: int, winners: Sequence[int]) -> list[Entry]:
    """Return the entry of each winner, in the order of tasks. Raise MissingEntries if entries are missing."""
    wanted = [Attempt(first + index, attempt) for index, attempt in enumerate(winners)]
    missing = [attempt for attempt in wanted if attempt not in entries]
    if missing:
        raise MissingEntries(missing)
    return [entries[attempt] for attempt in wanted]


def shard_manifest(entries: Sequence[Entry], *, with_ranges: bool) -> bytes | bytearray:
    """Return the manifest of a shard, whose tasks wrote map outputs (``with_ranges``) or staged parts."""
    first = entries[0].task
    if with_ranges:
        return encode_map_manifest(first, [entry.attempt for entry in entries], [entry.lengths for entry in entries])
    return encode_output_manifest(
        first,
        (
            StagedPart(
                task=entry.task,
                attempt=entry.attempt,
                bytes=entry.bytes_out,
                records=entry.records_out,
                crc32=entry.crc32,
                seal=entry.seal,
            )
            for entry in entries
        ),
    )


def shard_counters(counted: Iterable[Entry], replaced: Iterable[Entry] = ()) -> Counters:
    """Return the counters that a shard adds to the job: the sum of ``counted`` minus the sum of ``replaced``.

    Only the first counters by group and name are returned, one more than a job keeps.
    """
    added = (entry.counters for entry in counted)
    return summed_first(itertools.chain(added, (negative(entry.counters) for entry in replaced)))


def shard_totals(phase: Phase, counted: Sequence[Entry], replaced: Sequence[Entry] = ()) -> Totals:
    """Return the totals that a shard adds to its phase: sums, and the task that is greatest in each respect."""
    retries = sum(entry.attempt % ATTEMPTS_AN_EPOCH for entry in counted)
    totals: Totals = {"tasks": len(counted) - len(replaced), "retries": retries}
    for name, field in _SUMS.items():
        totals[name] = sum(getattr(entry, field) for entry in counted) - sum(
            getattr(entry, field) for entry in replaced
        )
    for entry in counted:  # requests of replaced attempts stay counted, because they are billed
        for kind, count in entry.requests.items():
            name = f"{REQUESTS}{kind}"
            totals[name] = totals.get(name, 0) + count
    if counted:
        slowest = max(counted, key=lambda entry: entry.seconds)
        largest = max(counted, key=lambda entry: entry.bytes_in)
        heaviest = max(counted, key=lambda entry: entry.heaviest_records)
        totals["slowest"] = {"task": names.task_label(phase, slowest.task), "seconds": round(slowest.seconds, 3)}
        totals["largest"] = {"task": names.task_label(phase, largest.task), "bytes": largest.bytes_in}
        totals["heaviest"] = {"key": heaviest.heaviest_key, "records": heaviest.heaviest_records}
        warned = max(counted, key=lambda entry: entry.warnings)
        if warned.warnings:
            label = names.task_label(phase, warned.task)
            totals["warned"] = {"task": label, "text": warned.warning, "warnings": warned.warnings}
    return totals


def requests_of(totals: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of S3 requests of several phases, by kind."""
    kinds: dict[str, int] = {}
    for phase in totals:
        for name, count in phase.items():
            if name.startswith(REQUESTS):
                kind = name.removeprefix(REQUESTS)
                kinds[kind] = kinds.get(kind, 0) + count
    return kinds


_SUMS = {
    "recordsIn": "records_in",
    "bytesIn": "bytes_in",
    "recordsOut": "records_out",
    "bytesOut": "bytes_out",
    "warnings": "warnings",
}
