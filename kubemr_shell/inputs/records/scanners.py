"""Scans the bytes that a command gets: counts the records, and finds records that break their format."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable

from kubemr_shell import engine
from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.records.boundaries import Boundaries
from kubemr_shell.shown import shown

ALL = (1 << 64) - 1
"""No limit to the number of records."""
ODD_QUOTES = (
    "from here on the split has an odd number of quotes, so the file may be cut within a quoted field: name the format "
    "of the records with --records csv (records in a YAML), or --records lines if each line is a record"
)
"""The reason of the damage that CutCsvScanner reports."""
_READ_BYTES = 256 << 10


class Damage(Exception):
    """A record breaks its format. ``at`` is the offset in the scanned stream."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at = at
        self.reason = reason


def corrupt_input(damage: Damage, name: str, *, start: int = 0, origin: str = "") -> CorruptInput:
    """Return the error for a damaged record of the file ``name``. The scanned stream begins at the offset ``start``.

    ``origin`` stands behind the name and says what offsets count from, if they do not count from the start of the file.
    """
    return CorruptInput(f"{shown(name)}{origin}: byte {start + damage.at}: {damage.reason}")


class Scanner(ABC):
    """A scanner of whole records. The stream begins with a record, and ends with the end of a record.

    A scan raises Damage if the bytes break the format.
    """

    @property
    @abstractmethod
    def records(self) -> int:
        """Return the number of records so far, including an unfinished last one."""

    @property
    @abstractmethod
    def missing_end(self) -> bytes:
        """Return the bytes that end the last record, to be added before another file. Empty if nothing is missing."""

    @abstractmethod
    def scan(self, data: bytes) -> None:
        """Scan the next bytes."""

    @abstractmethod
    def scan_file(self, source: int, start: int, end: int) -> None:
        """Scan the next bytes, which are a range of a file."""

    def end(self) -> None:  # noqa: B027 - most formats allow any end
        """Check that the last record is whole."""


class LineScanner(Scanner):
    """A counter of lines.

    ``scan_file`` does not learn the last byte, so a call of ``scan`` with at least one byte must follow it.
    """

    def __init__(self) -> None:
        self._newlines = 0
        self.ends_line = True
        """Whether the last bytes end with a newline; True if there were none."""

    @property
    def records(self) -> int:
        return self._newlines + (not self.ends_line)

    @property
    def missing_end(self) -> bytes:
        return b"" if self.ends_line else b"\n"

    def scan(self, data: bytes) -> None:
        self._newlines += data.count(b"\n")
        self.ends_line = data.endswith(b"\n")

    def scan_file(self, source: int, start: int, end: int) -> None:
        self._newlines += engine.count_lines(source, start, end - start)


class CutCsvScanner(LineScanner):
    """A counter of lines that also counts the quotes of a cut CSV file, whose records the job takes for lines.

    If a cut lies within a quoted field, then a piece of the file has an odd number of quotes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._quotes = 0

    def scan(self, data: bytes) -> None:
        super().scan(data)
        self._quotes += data.count(b'"')

    def scan_file(self, source: int, start: int, end: int) -> None:
        super().scan_file(source, start, end)
        self._quotes += engine.count_byte(source, start, end - start, ord('"'))

    def end(self) -> None:
        if self._quotes % 2:
            raise Damage(0, ODD_QUOTES)


class NativeScanner(Scanner):
    """A scanner of a format that the engine knows."""

    def __init__(self, kind: str, mark: bytes) -> None:
        self._kind = kind
        self._mark = mark
        self._counts_ends = kind in ("end-byte", "csv")
        self._end_byte = mark if kind == "end-byte" else b"\n"
        self._scan = engine.RecordScanner(kind, mark[0])

    @property
    def records(self) -> int:
        return self._scan.records + (self._counts_ends and bool(self.missing_end))

    @property
    def missing_end(self) -> bytes:
        return b"" if self._scan.last in (-1, self._end_byte[0]) else self._end_byte

    def scan(self, data: bytes) -> None:
        self._scan.scan(data, ALL)
        self._check()

    def scan_up_to(self, data: bytes, most: int) -> int:
        """Scan the next bytes up to the end of record number ``most``. Return the number of bytes scanned.

        If that record does not end in the bytes, scan all of them.
        """
        used = self._scan.scan(data, most)
        self._check()
        return used

    @property
    def next_end(self) -> int:
        """Return the number of the record that ends next, as ``scan_up_to`` counts. FASTA counts beginnings."""
        return self._scan.records + (self._kind != "fasta")

    def scan_file(self, source: int, start: int, end: int) -> None:
        self._scan.scan_file(source, start, end - start, ALL)
        self._check()

    def end(self) -> None:
        self._scan.end()
        self._check()

    def _check(self) -> None:
        if self._scan.damage:
            raise Damage(self._scan.damage_at, reason_of(self._scan.damage, self._mark))


class BoundaryScanner(Scanner):
    """A scanner of a format whose boundaries are found by a finder in Python.

    ``end_of_record`` are the bytes that complete an unfinished last record.
    """

    def __init__(self, boundaries: Boundaries, *, end_of_record: bytes, is_ended_by_bytes: bool) -> None:
        """Make a scanner. With ``is_ended_by_bytes``, a record is complete only if a boundary follows."""
        self.boundaries = boundaries
        self._end_of_record = end_of_record
        self._is_ended_by_bytes = is_ended_by_bytes
        self._position = 0
        self._last_boundary = 0
        self._found = 0
        self._tail = b""

    @property
    def records(self) -> int:
        return self._found + (self._position > self._last_boundary)

    @property
    def missing_end(self) -> bytes:
        if not self._position:
            return b""
        if self._is_ended_by_bytes:
            return self._end_of_record if self._position > self._last_boundary else b""
        lines = self._tail.replace(b"\r\n", b"\n")
        missing = self._end_of_record
        while missing and not lines.endswith(missing):
            missing = missing[1:]
        return self._end_of_record[len(missing) :]

    def scan(self, data: bytes) -> None:
        self._take(self.boundaries.feed(data))
        self._position += len(data)
        self._tail = (self._tail + data)[-4:]

    def scan_file(self, source: int, start: int, end: int) -> None:
        while start < end and (data := os.pread(source, min(_READ_BYTES, end - start), start)):
            self.scan(data)
            start += len(data)

    def end(self) -> None:
        self._take(self.boundaries.end())

    def _take(self, boundaries: Iterable[int]) -> None:
        for boundary in boundaries:
            self._last_boundary = boundary
            self._found += 1


class SizeScanner(Scanner):
    """A scanner of records of one size in bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0

    @property
    def records(self) -> int:
        return -(-self._position // self._size)

    @property
    def missing_end(self) -> bytes:
        return b""

    def scan(self, data: bytes) -> None:
        self._position += len(data)

    def scan_file(self, source: int, start: int, end: int) -> None:
        del source  # the format says nothing about the bytes
        self._position += end - start

    def end(self) -> None:
        rest = self._position % self._size
        if rest:
            raise Damage(
                self._position - rest,
                f"the last record has only {rest} of {self._size} bytes: get a complete copy, or correct "
                f"records: {{bytes: {self._size}}}",
            )


def reason_of(damage: str, mark: bytes) -> str:
    """Return the message for a kind of damage that the engine has found. ``mark`` is the delimiter of CSV."""
    delimiter = ascii(mark.decode("latin-1"))
    other = f'if another character than {delimiter} separates the fields, name it, as in records: {{csv: ";"}}'
    return {
        "quote": "a quote stands in a field that does not begin with a quote: put the whole field in quotes and double "
        f"the quotes in it (RFC 4180); {other}",
        "close": f"neither {delimiter} nor a line end follows the quote that ends a field: double the quotes inside a "
        f"field (RFC 4180); {other}",
        "unterminated": "the quote that opens a field here is never closed: the file was cut, or a quote is missing; "
        "get a complete copy",
        "blank": "an empty line stands where a FASTQ record must begin: remove it",
        "header": "a FASTQ record must begin with @ here: the record before it is damaged, or does not have four lines",
        "sequence": "the bases of a FASTQ record must not begin with @ or +: a line is missing, or there is one "
        "too many",
        "plus": "the third line of a FASTQ record must begin with +: the FASTQ is wrapped, or the record damaged; a "
        "record must have four lines (seqtk seq -l0 unwraps a file)",
        "length": "the quality of this FASTQ record is not as long as its bases: the FASTQ is wrapped, or the "
        "record damaged (seqtk seq -l0 unwraps a file)",
        "truncated": "the file ends within the FASTQ record that begins here: it was cut; get a complete copy",
    }[damage]
