"""Walks through the records of a WARC file (ISO 28500) by their Content-Length."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from kubemr_shell.inputs.records.scanners import Damage, Scanner

LONGEST_HEADER = 1 << 20
"""The longest header of a record in bytes."""
LOOK_BYTES = 8 << 10
"""The bytes of a file that are read at once where a header must begin. Most headers are much shorter."""
_VERSION = b"WARC/"
_END_OF_HEADER = b"\r\n\r\n"
_END_OF_RECORD = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


class WarcBoundaries:
    """A finder of the ends of records in a stream that begins with a record.

    Each method raises Damage if a record breaks the format.
    """

    def __init__(self) -> None:
        self.position = 0
        """The number of bytes that were taken or skipped."""
        self.start = 0
        """The offset at which the current record begins."""
        self._head = b""
        """The bytes of a header that is not complete yet."""
        self._content = 0
        """The bytes of the content that are still to come."""
        self._tail: bytes | None = None
        """The bytes behind the content, or None before the header is complete."""

    def feed(self, block: bytes) -> Iterator[int]:
        """Take a block, and yield the ends of the records in it."""
        at = 0
        while at < len(block):
            before = at
            if self._content:
                at += self.skip(len(block) - at)
                continue
            at = self._take_header(block, at) if self._tail is None else self._take_tail(block, at)
            self.position += at - before
            if self._tail == _END_OF_RECORD:
                self._tail = None
                self.start = self.position
                yield self.position

    def skip(self, most: int) -> int:
        """Pass over at most ``most`` bytes that are content of the current record. Return the number of bytes."""
        skipped = min(self._content, most)
        self._content -= skipped
        self.position += skipped
        return skipped

    def end(self) -> Iterator[int]:
        """Check that the stream ends with a whole record. Yield nothing."""
        if self.position > self.start:
            raise Damage(
                self.start, "the file ends within the WARC record that begins here: it was cut; get a complete copy"
            )
        return iter(())

    def _take_header(self, block: bytes, at: int) -> int:
        """Take bytes of a header, and return the offset in the block behind them."""
        known = len(self._head)
        end = -1 if known else block.find(_END_OF_HEADER, at, at + LONGEST_HEADER)
        if end >= 0:
            head = block[at:end]
            behind = end + len(_END_OF_HEADER)
        else:
            head = self._head + block[at : at + LONGEST_HEADER - known]
            end = head.find(_END_OF_HEADER)
            behind = len(block)
            if end >= 0:
                behind = at + end + len(_END_OF_HEADER) - known
                head = head[:end]
        if not head.startswith(_VERSION[: len(head)]):
            raise Damage(
                self.start,
                "a WARC record must begin with WARC/ here: the Content-Length of the record before it is wrong, or "
                "this is no WARC file; get a complete copy, or correct records",
            )
        if end >= 0:
            self._content = self._length_in(head)
            self._head, self._tail = b"", b""
        elif len(head) >= LONGEST_HEADER:
            raise Damage(
                self.start,
                f"no empty line (CR LF) ends the header of this WARC record in {len(head)} bytes: the record is "
                "damaged, or this is no WARC file; get a complete copy, or correct records",
            )
        else:
            self._head = head
        return behind

    def _length_in(self, header: bytes) -> int:
        lengths = _CONTENT_LENGTH.findall(header + b"\r\n")
        if len(lengths) != 1:
            raise Damage(
                self.start,
                f"the header of this WARC record has {len(lengths)} lines with a Content-Length in bytes, not one: the "
                "record is damaged; get a complete copy",
            )
        return int(lengths[0])

    def _take_tail(self, block: bytes, at: int) -> int:
        """Take bytes of the two line ends behind the content, and return the offset in the block behind them."""
        assert self._tail is not None
        taken = block[at : at + len(_END_OF_RECORD) - len(self._tail)]
        tail = self._tail + taken
        if not _END_OF_RECORD.startswith(tail):
            raise Damage(
                self.start,
                "two line ends (CR LF) must follow the content of the WARC record that begins here: its "
                "Content-Length is wrong, or the record is damaged; get a complete copy",
            )
        self._tail = tail
        return at + len(taken)


def ends_in_file(walk: WarcBoundaries, source: int, start: int, end: int) -> Iterator[int]:
    """Take the bytes of a file between two offsets, and yield the ends of records. Read no long content."""
    while (start := start + walk.skip(end - start)) < end:
        block = os.pread(source, min(LOOK_BYTES, end - start), start)
        if not block:
            return
        yield from walk.feed(block)
        start += len(block)


class WarcScanner(Scanner):
    """A scanner of WARC records."""

    def __init__(self) -> None:
        self._walk = WarcBoundaries()
        self._ended = 0

    @property
    def records(self) -> int:
        return self._ended + (self._walk.position > self._walk.start)

    @property
    def missing_end(self) -> bytes:
        return b""

    def scan(self, data: bytes) -> None:
        self._ended += sum(1 for _ in self._walk.feed(data))

    def scan_file(self, source: int, start: int, end: int) -> None:
        self._ended += sum(1 for _ in ends_in_file(self._walk, source, start, end))

    def end(self) -> None:
        self._walk.end()
