"""The formats of records, made from the field ``records`` of a spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from kubemr_shell.inputs.file_kind import is_named_csv
from kubemr_shell.inputs.records.boundaries import (
    LONGEST_HEAD,
    Boundaries,
    EndBoundaries,
    FastaBoundaries,
    FastqBoundaries,
    ParagraphBoundaries,
    StartBoundaries,
    overlaps_itself,
)
from kubemr_shell.inputs.records.scanners import (
    BoundaryScanner,
    CutCsvScanner,
    LineScanner,
    NativeScanner,
    Scanner,
    SizeScanner,
)
from kubemr_shell.job.records import LINES, Records
from kubemr_shell.job.spec_mappings import HeaderSpec
from kubemr_shell.job.split import Piece

if TYPE_CHECKING:
    from kubemr_shell.inputs.records.cuts import RecordCuts
    from kubemr_shell.inputs.records.headers import HeaderFormat

FIRST_LOOK_BYTES = 64 << 10
"""The bytes that are read first in search of a boundary. Each further read is twice as long."""
LONGEST_LOOK_BYTES = 64 << 20
"""The longest read in search of a boundary."""


class RecordFormat:
    """A format of records.

    A file of most formats can be cut at any byte, because the bytes behind a cut show where a record begins. In CSV,
    in WARC, and in records of a fixed size, only the bytes before the cut show this. So the planner cuts these formats
    exactly.
    """

    def __init__(self, records: Records | None = LINES) -> None:
        """Make a format. None: the job names no format, so records are taken for lines."""
        self._is_named = records is not None
        self.records = records = records or LINES
        self.is_lines = records.kind == "lines"
        """Whether a record is a line. The feeds read lines in a faster way than other records."""
        self.is_cut_in_plan = records.kind in ("csv", "bytes", "warc")
        self.is_local = records.kind in ("lines", "nul", "start", "fasta") or (
            records.kind == "separator" and not overlaps_itself(records.separator)
        )
        """Whether the bytes close to a boundary prove the boundary, so that each reader of these bytes finds it."""

    def scanner_of_piece(self, name: str) -> Scanner:
        """Return a scanner of a piece of the file ``name``. The piece is not the whole file."""
        return CutCsvScanner() if not self._is_named and is_named_csv(name) else self.scanner()

    def scanner(self) -> Scanner:
        """Return a scanner of a stream that begins with a record."""
        records = self.records
        match records.kind:
            case "lines":
                return LineScanner()
            case "nul":
                return NativeScanner("end-byte", b"\0")
            case "csv" | "fasta" | "fastq":
                return NativeScanner(records.kind, records.separator or b"\0")
            case "bytes":
                return SizeScanner(records.size)
            case "warc":
                from kubemr_shell.inputs.records.warc import WarcScanner

                return WarcScanner()
            case "separator" if len(records.separator) == 1:
                return NativeScanner("end-byte", records.separator)
            case "separator":
                ends = EndBoundaries(records.separator, begins_record=True)
                return BoundaryScanner(ends, end_of_record=records.separator, is_ended_by_bytes=True)
            case "paragraph":
                return BoundaryScanner(ParagraphBoundaries(), end_of_record=b"\n\n", is_ended_by_bytes=False)
            case "start":
                starts = StartBoundaries(records.start, begins_record=True)
                return BoundaryScanner(starts, end_of_record=b"\n", is_ended_by_bytes=False)

    def cuts(self, *, most: int, most_bytes: int) -> RecordCuts:
        """Return a finder of the cuts in a stream that begins with a record.

        No part has more than ``most`` records. A part ends with the record that reaches ``most_bytes`` bytes.
        """
        from kubemr_shell.inputs.records.cuts import BoundaryCuts, NativeCuts, SizeCuts

        scanner = NativeScanner("end-byte", b"\n") if self.is_lines else self.scanner()
        if isinstance(scanner, NativeScanner):
            return NativeCuts(scanner, most=most, most_bytes=most_bytes)
        if isinstance(scanner, BoundaryScanner):
            return BoundaryCuts(scanner.boundaries, most=most, most_bytes=most_bytes)
        if self.records.kind == "warc":
            from kubemr_shell.inputs.records.warc import WarcBoundaries

            return BoundaryCuts(WarcBoundaries(), most=most, most_bytes=most_bytes)
        return SizeCuts(scanner, self.records.size, most=most, most_bytes=most_bytes)

    @property
    def lookback(self) -> int:
        """Return the number of bytes before a cut that show whether a record begins exactly at the cut."""
        return len(self.records.separator) if self.records.kind == "separator" else 1

    def first_boundary(self, blocks: Iterable[bytes]) -> int | None:
        """Return the offset in the stream of the first boundary that its bytes prove, or None if they prove none.

        The stream begins anywhere in a file, and ends with the file. At a boundary one record ends and another
        can begin.
        """
        boundaries = self._boundaries()
        for block in blocks:
            if block:
                for at in boundaries.feed(block):
                    return at
        return next(boundaries.end(), None)

    def range_of(self, piece: Piece, end: int, size: int, blocks: Callable[[int], Iterable[bytes]]) -> tuple[int, int]:
        """Return the range of the records of a piece, which ends at ``end``, in a file of ``size`` bytes.

        ``blocks`` returns the bytes of the file from an offset on.
        """
        if piece.exact or self.is_cut_in_plan:
            return piece.start, end

        def boundary(cut: int, last: int) -> int:
            """Return the boundary for a cut. In a local format, a boundary behind ``last`` need not be found."""
            if cut in (0, size):
                return cut
            start = max(0, cut - self.lookback)
            last = last + LONGEST_HEAD if self.is_local else size
            found = self.first_boundary(_up_to(last - start, blocks(start)))
            return size if found is None else start + found

        begin = boundary(piece.start, end)
        return (end, end) if self.is_local and begin >= end else (begin, boundary(end, size))

    def _boundaries(self) -> Boundaries:
        match self.records.kind:
            case "lines":
                return EndBoundaries(b"\n", begins_record=False)
            case "nul":
                return EndBoundaries(b"\0", begins_record=False)
            case "separator":
                return EndBoundaries(self.records.separator, begins_record=False)
            case "paragraph":
                return ParagraphBoundaries()
            case "start":
                return StartBoundaries(self.records.start, begins_record=False)
            case "fasta":
                return FastaBoundaries()
            case "fastq":
                return FastqBoundaries()
        raise AssertionError(f"{self.records.kind} is cut in the plan")


def _up_to(size: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks until they have at least ``size`` bytes."""
    for block in blocks:
        yield block
        size -= len(block)
        if size <= 0:
            return


def header_format(header: HeaderSpec, records: Records | None) -> HeaderFormat | None:
    """Return the rule for the headers of input files, or None if their first lines are records."""
    if header.mode == "keep":
        return None
    from kubemr_shell.inputs.records.headers import HeaderFormat

    return HeaderFormat(header, records)


LINE_FORMAT = RecordFormat()
"""The format of jobs that do not name a format."""


def looks(start: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges to read in search of a boundary: from ``start`` to ``size``, each twice as long as before."""
    length = FIRST_LOOK_BYTES
    while start < size:
        end = min(start + length, size)
        yield start, end
        start = end
        length = min(length * 2, LONGEST_LOOK_BYTES)
