"""Finds the beginnings of the lines in a stream that comes in blocks."""

from __future__ import annotations

from collections.abc import Iterator


class LineHeads:
    """A finder of lines. It yields the offset of each line in the stream, and the head of the line.

    A head is the first ``most`` bytes of a line, or the whole line without LF if the line is shorter. With
    ``begins_line`` False, the stream may begin in the middle of a line, so the first line is passed over.
    """

    def __init__(self, most: int, *, begins_line: bool) -> None:
        self._most = most
        self._position = 0
        self._start = 0
        self._head = b""
        self._is_open = begins_line
        """Whether the head of the current line is not complete yet."""

    def feed(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Take a block, and yield the heads that are complete now."""
        at = 0
        while True:
            if not self._is_open:
                at = block.find(b"\n", at) + 1
                if not at:
                    break
                self._start, self._head, self._is_open = self._position + at, b"", True
            end = at + self._most - len(self._head)
            newline = block.find(b"\n", at, end)
            self._head += block[at : newline if newline >= 0 else end]
            if newline < 0 and len(self._head) < self._most:
                break
            self._is_open = False
            yield self._start, self._head
            at = newline if newline >= 0 else end
        self._position += len(block)

    def end(self) -> Iterator[tuple[int, bytes]]:
        """Yield the head of the last line if the stream ends before that head is complete."""
        if self._is_open and self._head:
            yield self._start, self._head
