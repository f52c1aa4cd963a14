"""The boundaries between records in a stream that comes in blocks.

A finder yields the offsets of the stream at which one record ends and another one can begin. The stream begins either
with a record, or at any byte of a file. In the second case a finder yields only the boundaries that the bytes of the
stream prove. So all readers that search from the same byte on find the same first boundary.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from kubemr_shell.inputs.records.lines import LineHeads

LONGEST_HEAD = 64 << 10
"""The number of first bytes of a line in which a regular expression for the start of a record is searched."""
_MOST_BLANK = 5
"""The longest line end with an empty line, ``\\r\\n\\r\\n``, and the byte behind."""


class Boundaries(Protocol):
    """A finder of boundaries."""

    def feed(self, block: bytes) -> Iterator[int]:
        """Take a block, which must not be empty, and yield the boundaries that are certain now."""
        ...

    def end(self) -> Iterator[int]:
        """Yield the boundaries that are certain because the stream ends here."""
        ...


class EndBoundaries(Boundaries):
    """A finder of records that end with a separator. Separators are searched from the left and do not overlap.

    If a separator can overlap itself, as ``aa`` in ``aaa``, an occurrence in the middle of a file may not be the end
    of a record. The occurrence is an end if no earlier occurrence overlaps it.
    """

    def __init__(self, separator: bytes, *, begins_record: bool) -> None:
        self._separator = separator
        self._is_certain = begins_record or not overlaps_itself(separator)
        self._text = b""
        """The last bytes of the stream, in which a separator may still begin."""
        self._offset = 0
        """The offset of ``_text`` in the stream."""

    def feed(self, block: bytes) -> Iterator[int]:
        self._text += block
        size = len(self._separator)
        if not self._is_certain and not self._first_certain():
            return
        at = 0
        while (found := self._text.find(self._separator, at)) >= 0:
            at = found + size
            yield self._offset + at
        kept = max(at, len(self._text) - size + 1)
        self._offset += kept
        self._text = self._text[kept:]

    def end(self) -> Iterator[int]:
        yield from ()

    def _first_certain(self) -> bool:
        """Advance to the first occurrence that nothing overlaps. Return whether there is one."""
        size = len(self._separator)
        at = 0
        reached = size - 1  # an occurrence before this offset may overlap one that begins before the stream
        while (found := self._text.find(self._separator, at)) >= 0:
            if found >= reached:
                self._is_certain = True
                self._offset += found
                self._text = self._text[found:]
                return True
            reached = found + size
            at = found + 1
        # An occurrence may begin at `kept` or later. The bytes before only show whether an earlier one overlaps it.
        kept = max(0, len(self._text) - 2 * size)
        self._offset += kept
        self._text = self._text[kept:]
        return False


def overlaps_itself(separator: bytes) -> bool:
    """Return whether two occurrences of a separator can share bytes."""
    return any(separator[:size] == separator[-size:] for size in range(1, len(separator)))


class ParagraphBoundaries(Boundaries):
    """A finder of paragraphs: lines up to one or more empty lines. A line of CR and LF is empty too.

    Empty lines at the start of a stream are part of the first paragraph.
    """

    _BLANK = re.compile(rb"\n\r?\n(?!\r?\n)")
    _LEADING = re.compile(rb"(?:\r?\n)*")

    def __init__(self) -> None:
        self._text = b""
        self._offset = 0
        self._has_begun = False
        """Whether a line that is not empty has begun."""

    def feed(self, block: bytes) -> Iterator[int]:
        self._text += block
        if not self._has_begun:
            leading = self._LEADING.match(self._text)
            self._advance(leading.end() if leading else 0)
            if self._text in (b"", b"\r"):
                return
            self._has_begun = True
        yield from self._found(len(self._text) - 2)

    def end(self) -> Iterator[int]:
        if self._has_begun:
            yield from self._found(len(self._text) - 1)

    def _found(self, last: int) -> Iterator[int]:
        """Yield the boundaries up to the offset ``last`` of the text. Later ones need more bytes of the stream."""
        done = 0
        for match in self._BLANK.finditer(self._text):
            if match.end() > last:
                break
            done = match.end()
            yield self._offset + done
        self._advance(max(done, len(self._text) - _MOST_BLANK))

    def _advance(self, size: int) -> None:
        self._offset += size
        self._text = self._text[size:]


class StartBoundaries(Boundaries):
    """A finder of records that begin with a line that matches a regular expression.

    The expression sees the line without its line end, and only the first ``LONGEST_HEAD`` bytes of a longer line. Lines
    before the first such line are a record too.
    """

    def __init__(self, pattern: str, *, begins_record: bool) -> None:
        self._matches = re.compile(pattern.encode("utf-8", "surrogateescape")).search
        self._heads = LineHeads(LONGEST_HEAD, begins_line=begins_record)

    def feed(self, block: bytes) -> Iterator[int]:
        return self._starts(self._heads.feed(block))

    def end(self) -> Iterator[int]:
        return self._starts(self._heads.end())

    def _starts(self, heads: Iterator[tuple[int, bytes]]) -> Iterator[int]:
        for start, head in heads:
            if start and self._matches(head.removesuffix(b"\r")):
                yield start


class FastaBoundaries(Boundaries):
    """A finder of the first FASTA record that begins behind a line end of the stream."""

    _START = re.compile(rb"\n[>;]")

    def __init__(self) -> None:
        self._offset = 0
        self._last = b""

    def feed(self, block: bytes) -> Iterator[int]:
        text = self._last + block
        for match in self._START.finditer(text):
            yield self._offset - len(self._last) + match.start() + 1
        self._offset += len(block)
        self._last = block[-1:]

    def end(self) -> Iterator[int]:
        yield from ()


class FastqBoundaries(Boundaries):
    """A finder of FASTQ records of four lines.

    A line that begins with ``@`` begins a record if the next line does not begin with ``@`` and the line after that
    begins with ``+``. In a valid file no other line meets this condition. A line of quality that begins with ``@`` is
    followed by the ``@`` of the next record. A line of bases begins neither with ``@`` nor with ``+``. The scan of the
    records checks that the file is valid.
    """

    def __init__(self) -> None:
        self._heads = LineHeads(1, begins_line=False)
        self._lines: deque[tuple[int, bytes]] = deque(maxlen=3)

    def feed(self, block: bytes) -> Iterator[int]:
        return self._starts(self._heads.feed(block))

    def end(self) -> Iterator[int]:
        return self._starts(self._heads.end())

    def _starts(self, heads: Iterator[tuple[int, bytes]]) -> Iterator[int]:
        for head in heads:
            self._lines.append(head)
            if len(self._lines) == 3:
                (start, first), (_, second), (_, third) = self._lines
                if first == b"@" and second != b"@" and third == b"+":
                    yield start
