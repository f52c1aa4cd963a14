"""Copies the stderr of many attempts to one stream, such as the log of a pod.

The stream gets whole lines, each with the label of the attempt that wrote the line. No byte is lost or altered. A line
that is too long for a container runtime becomes several lines.
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
"""The bytes of a line after which it is cut. Container runtimes cut at 16 KiB, so this limit is below."""


class Echo:
    """A stream to which any number of attempts can write at the same time, from any thread."""

    def __init__(self, descriptor: int, line_of: Callable[[str], Line] | None = None) -> None:
        """Write to ``descriptor``. ``line_of`` takes the label of an attempt and returns the function for its lines.

        By default, each line gets the label as its prefix.
        """
        self._descriptor = descriptor
        self._line_of = line_of or _labelled
        self._lock = threading.Lock()

    def of(self, label: str) -> AttemptEcho:
        """Return the writer for the attempt with this label, such as ``map/17.0``."""
        return AttemptEcho(self, self._line_of(label))

    def write(self, lines: bytes) -> None:
        """Write whole lines. Errors are ignored: an attempt must not fail because its echo cannot be written."""
        with self._lock, suppress(OSError):
            write_all(self._descriptor, lines)


class AttemptEcho:
    """The writer of the lines of one attempt."""

    def __init__(self, echo: Echo, line: Line) -> None:
        self._echo = echo
        self._line = line
        self._begun = b""

    def write(self, data: bytes) -> None:
        """Take a piece of stderr of any size, and write the lines that are whole now."""
        *whole, begun = (self._begun + data).split(b"\n")
        last = _pieces(begun)
        self._begun = last.pop()
        self._send(chain(chain.from_iterable(map(_pieces, whole)), last))

    def close(self) -> None:
        """Write the last line if stderr ended without a newline."""
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
    """Cut a line into pieces of at most LONGEST_LINE_BYTES. Return at least one piece."""
    if len(line) <= LONGEST_LINE_BYTES:
        return [line]
    return [line[start : start + LONGEST_LINE_BYTES] for start in range(0, len(line), LONGEST_LINE_BYTES)]
