import pytest

from kubemr_shell.board.steps import Attempt
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.lengths import packed
from kubemr_shell.shuffle.map_manifest import MapManifest
from kubemr_shell.shuffle.output_manifest import decode_output_manifest
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.shard_summary import (
    MissingEntries,
    entries_of_winners,
    requests_of,
    shard_counters,
    shard_manifest,
    shard_totals,
)


def entry(task: int, attempt: int = 0, **values: object) -> Entry:
    return Entry(task=task, attempt=attempt, **values)  # type: ignore[arg-type]


def by_attempt(*entries: Entry) -> dict[Attempt, Entry]:
    return {Attempt(item.task, item.attempt): item for item in entries}


def test_only_winners_are_kept_in_task_order() -> None:
    entries = by_attempt(entry(11), entry(10), entry(10, 1), entry(11, 3))
    winners = entries_of_winners(entries, first=10, winners=[1, 0])
    assert [(item.task, item.attempt) for item in winners] == [(10, 1), (11, 0)]


def test_winners_without_an_entry_are_all_named() -> None:
    with pytest.raises(MissingEntries) as missing:
        entries_of_winners(by_attempt(entry(11)), first=10, winners=[0, 0, 2])
    assert missing.value.attempts == [Attempt(10, 0), Attempt(12, 2)]


def test_a_map_manifest_has_the_ranges_and_an_output_manifest_the_parts() -> None:
    maps = [entry(5, 2, lengths=packed([7, 9]))]
    data = bytes(shard_manifest(maps, with_ranges=True))
    ((place,),) = MapManifest(lambda start, end: data[start:end], "m").ranges(1, 1)
    assert (place.task, place.attempt, place.offset, place.length) == (5, 2, 7, 9)
    parts = decode_output_manifest(
        bytes(shard_manifest([entry(5, 2, bytes_out=3, records_out=1, crc32=4)], with_ranges=False)), "m"
    )
    assert [(part.task, part.attempt, part.bytes, part.records, part.crc32) for part in parts] == [(5, 2, 3, 1, 4)]


def test_what_was_counted_before_and_lost_is_taken_off_again() -> None:
    counted = [entry(1, 1, counters={"g": {"n": 5}}, records_in=10)]
    replaced = [entry(1, 0, counters={"g": {"n": 3}}, records_in=10)]
    assert shard_counters(counted, replaced) == {"g": {"n": 2}}
    totals = shard_totals(Phase.MAP, counted, replaced)
    assert totals["recordsIn"] == 0
    assert totals["tasks"] == 0


def test_reduces_that_are_begun_anew_for_another_command_are_no_repeated_attempts() -> None:
    epoch = 1 << 16
    assert shard_totals(Phase.REDUCE, [entry(0, epoch), entry(1, epoch + 2)])["retries"] == 2


def test_totals_name_the_slowest_the_largest_and_the_heaviest() -> None:
    totals = shard_totals(
        Phase.REDUCE,
        [
            entry(0, seconds=2.0, bytes_in=1, heaviest_key="a", heaviest_records=4),
            entry(1, 1, seconds=1.0, bytes_in=9, heaviest_key="b", heaviest_records=3),
        ],
    )
    assert totals["slowest"] == {"task": "reduce/0", "seconds": 2.0}
    assert totals["largest"] == {"task": "reduce/1", "bytes": 9}
    assert totals["heaviest"] == {"key": "a", "records": 4}
    assert totals["retries"] == 1


def test_totals_count_warnings_and_quote_one_of_the_task_that_has_the_most() -> None:
    entries = [entry(0, warnings=1, warning="a"), entry(1, warnings=2, warning="b"), entry(2)]
    totals = shard_totals(Phase.MAP, entries)
    assert (totals["warnings"], totals["warned"]) == (3, {"task": "map/1", "text": "b", "warnings": 2})
    assert "warned" not in shard_totals(Phase.MAP, entries[2:])


def test_totals_count_the_requests_and_those_that_were_made_in_vain_too() -> None:
    before = entry(0, requests={"get": 5})
    again = entry(0, 1, requests={"get": 2, "put": 1})
    totals = [
        shard_totals(Phase.MAP, [before, entry(1, requests={"put": 1})]),
        shard_totals(Phase.MAP, [again], [before]),
    ]
    assert requests_of(totals) == {"get": 7, "put": 2}
    assert requests_of([shard_totals(Phase.MAP, [entry(0)])]) == {}
