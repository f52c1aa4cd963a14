"""What commands write to stderr, on one stream too: whole lines, each with the attempt that wrote it before it.

For the log of a pod, where many attempts write at once. No byte is lost or altered; a line that is too long for those
who keep such logs becomes several.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubemr_shell.command.json_lines import Line

from kubemr_shell.streams import write_all

LONGEST_LINE_BYTES = 8 << 10
"""Container runtimes cut what is longer than 16 KiB themselves."""


class Echo:
    """Writes to a descriptor for any number of attempts, of any threads, at once."""

    def __init__(self, descriptor: int, line_of: Callable[[str], Line] | None = None) -> None:
        """``line_of`` returns, for an attempt, what makes text of a line; default: its label stands before the line."""
        self._descriptor = descriptor
        self._line_of = line_of or _labelled
        self._lock = threading.Lock()

    def of(self, label: str) -> AttemptEcho:
        """For the attempt that ``label`` names: ``map/17.0``."""
        return AttemptEcho(self, self._line_of(label))

    def write(self, lines: bytes) -> None:
        """Whole lines. That nobody takes them is no reason for an attempt to fail."""
        with self._lock, suppress(OSError):
            write_all(self._descriptor, lines)


class AttemptEcho:
    """The lines of one attempt. ``write`` takes pieces of any size, ``close`` what is left."""

    def __init__(self, echo: Echo, line: Line) -> None:
        self._echo = echo
        self._line = line
        self._begun = b""

    def write(self, data: bytes) -> None:
        *whole, begun = (self._begun + data).split(b"\n")
        last = _pieces(begun)
        self._begun = last.pop()
        self._send(chain(chain.from_iterable(map(_pieces, whole)), last))

    def close(self) -> None:
        if self._begun:
            self._send([self._begun])
            self._begun = b""

    def _send(self, lines: chain[bytes] | list[bytes]) -> None:
        text = b"".join(map(self._line, lines))
        if text:
            self._echo.write(text)


def _labelled(label: str) -> Line:
    prefix = f"{label}: ".encode()
    return lambda line: b"%b%b\n" % (prefix, line)


def _pieces(line: bytes) -> list[bytes]:
    """A line, cut where it is too long; at least one piece."""
    if len(line) <= LONGEST_LINE_BYTES:
        return [line]
    return [line[start : start + LONGEST_LINE_BYTES] for start in range(0, len(line), LONGEST_LINE_BYTES)]
