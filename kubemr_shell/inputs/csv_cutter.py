"""Cuts large CSV files between rows. The planner reads the whole file, to count the quotes before each cut."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from kubemr_shell import engine
from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import open_local, read_remote
from kubemr_shell.inputs.records.csv_rows import RowCuts, row_end
from kubemr_shell.inputs.records.cutter import ReadingCutter
from kubemr_shell.inputs.splits import whole_piece
from kubemr_shell.shown import shown
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import Waiter

COUNTED_BYTES = 16 << 20
"""The bytes in which a thread counts quotes before the thread checks again whether the planner was cancelled."""
_QUOTE = ord('"')


class CsvCutter(ReadingCutter):
    """A cutter between rows of CSV."""

    is_exact = True

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        """Return, for each wanted offset, the first end of a row behind it.

        Raise CorruptInput if the file ends inside quotes, and InputError if the file cannot be read.
        """
        if scheme_of(item.uri) == "file":
            return self._local_cuts(item, wanted)
        assert item.size is not None
        begin = item.records_start
        rows = RowCuts([cut - begin for cut in wanted])
        for block in read_remote(whole_piece(item), self._s3, Waiter(self._cancel_fd), start=begin):
            rows.feed(block)
        if rows.is_quoted:
            raise _unterminated(item, begin + rows.last_quote)
        return [begin + cut for cut in rows.cuts if begin + cut < item.size]

    def _local_cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        assert item.size is not None
        size = item.size
        with open_local(item, self._folder) as source:
            bounds = [item.records_start, *wanted, size]
            ranges = [
                (start, min(start + COUNTED_BYTES, end), number)
                for number, end in enumerate(bounds[1:])
                for start in range(bounds[number], end, COUNTED_BYTES)
            ]

            def count(part: tuple[int, int, int], waiter: Waiter) -> int:
                waiter.check()
                return engine.count_byte(source, part[0], part[1] - part[0], _QUOTE)

            cpus = len(os.sched_getaffinity(0))
            counts = in_threads(count, ranges, at_once=cpus, waiter=Waiter(self._cancel_fd))
            quotes = [0] * (len(bounds) - 1)
            for (_, _, number), found in zip(ranges, counts, strict=True):
                quotes[number] += found
            if sum(quotes) % 2:
                raise _unterminated(item, _last_quote(source, size))
            return _row_ends(source, size, wanted, quotes)


def _row_ends(source: int, size: int, wanted: Sequence[int], quotes: Sequence[int]) -> list[int]:
    """Return the ends of rows. ``quotes`` has, for each wanted cut, the number of quotes since the cut before."""
    cuts: list[int] = []
    before = 0
    for cut, found in zip(wanted, quotes, strict=False):
        before += found
        if cuts and cuts[-1] >= cut:
            continue
        end = row_end(_blocks(source, cut, size), is_quoted=before % 2 == 1)
        if end is None or cut + end >= size:
            break
        cuts.append(cut + end)
    return cuts


def _blocks(source: int, start: int, end: int) -> Iterator[bytes]:
    size = 4 << 10
    while start < end and (block := os.pread(source, min(size, end - start), start)):
        yield block
        start += len(block)
        size = min(2 * size, 1 << 20)


def _last_quote(source: int, size: int) -> int:
    end = size
    while end > 0:
        start = max(0, end - (1 << 20))
        found = os.pread(source, end - start, start).rfind(b'"')
        if found >= 0:
            return start + found
        end = start
    return 0


def _unterminated(item: InputObject, at: int) -> CorruptInput:
    return CorruptInput(
        f"{shown(item.uri)}: byte {at}: the number of quotes in this CSV file is odd, and the last quote is here: a "
        "quoted field is never closed, because the file was cut or a quote is missing; get a complete copy"
    )
