"""Searches for the boundaries of CSV rows. Pure.

A reader in the middle of a CSV file cannot know whether it stands inside quotes: any bytes may be the content of a
quoted field. The number of quotes before the reader decides. If the number is odd, the reader stands inside quotes. A
doubled quote counts twice, so it changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_QUOTE = b'"'
_QUOTE_OR_END = re.compile(rb'["\n]')


def row_end(blocks: Iterable[bytes], *, is_quoted: bool) -> int | None:
    """Return the offset behind the first line end outside quotes, or None if there is none.

    ``is_quoted``: whether the first byte of the stream stands inside quotes.
    """
    offset = 0
    for block in blocks:
        for match in _QUOTE_OR_END.finditer(block):
            if match[0] == _QUOTE:
                is_quoted = not is_quoted
            elif not is_quoted:
                return offset + match.end()
        offset += len(block)
    return None


class RowCuts:
    """A finder of cuts in a CSV file that is read once, from its start to its end, in blocks."""

    def __init__(self, wanted: Sequence[int]) -> None:
        """Make a finder. Each cut is the first end of a row behind one of the ``wanted`` offsets, which increase."""
        self._wanted = list(reversed(wanted))
        self._position = 0
        self._is_quoted = False
        self._is_searching = False
        self.cuts: list[int] = []
        """The ends of rows that were found."""
        self.last_quote = -1
        """The offset of the last quote; -1 if there is none."""

    @property
    def is_quoted(self) -> bool:
        """Return whether the bytes so far end inside quotes."""
        return self._is_quoted

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file."""
        at = 0
        while at < len(block):
            if self._is_searching:
                at = self._search(block, at)
            else:
                wanted = self._wanted[-1] - self._position if self._wanted else len(block)
                end = min(wanted, len(block))
                self._count(block[at:end] if at or end < len(block) else block, at)
                at = max(at, end)
                self._is_searching = bool(self._wanted) and wanted <= len(block)
        self._position += len(block)

    def _count(self, part: bytes, at: int) -> None:
        quotes = part.count(_QUOTE)
        if quotes:
            self._is_quoted ^= quotes % 2 == 1
            self.last_quote = self._position + at + part.rfind(_QUOTE)

    def _search(self, block: bytes, at: int) -> int:
        """Search for the end of a row from ``at`` on. Return the offset behind it, or the end of the block."""
        for match in _QUOTE_OR_END.finditer(block, at):
            if match[0] == _QUOTE:
                self._is_quoted = not self._is_quoted
                self.last_quote = self._position + match.start()
            elif not self._is_quoted:
                self._is_searching = False
                cut = self._position + match.end()
                self.cuts.append(cut)
                while self._wanted and self._wanted[-1] <= cut:
                    self._wanted.pop()
                return match.end()
        return len(block)
