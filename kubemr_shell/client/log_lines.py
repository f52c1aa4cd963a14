"""Splits the log of a pod into lines, and continues after a lost connection. Pure.

The kubelet puts a time stamp of fixed width before each line. The stamp of the last line says where to continue.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubemr_shell.command.json_lines import attempt_of

LONGEST_BYTES = 1 << 20
"""The longest line. A longer one is split into several lines."""


class LogLines:
    """A reader of one log. It takes the bytes of one connection after the other, and returns each line once."""

    def __init__(self, task: str | None = None) -> None:
        """With ``task``, such as ``map/17``, return only the lines that attempts of this task wrote."""
        self._wanted = f"{task}.".encode() if task else b""
        self._rest = b""
        self._seen: bytes = b""
        """The stamp of the last line, as bytes."""
        self._until = b""
        """The stamp up to which an earlier connection has already delivered all lines."""

    @property
    def since(self) -> str | None:
        """Return the second from which the log is still needed, or None if it is needed from its beginning."""
        return self._seen.decode()[:19] + "Z" if self._seen else None

    def begin(self) -> None:
        """Begin another connection. Skip the lines that it repeats, and drop a partial line, because it comes again."""
        self._until, self._rest = self._seen, b""

    def take(self, data: bytes) -> Iterator[bytes]:
        """Take bytes of the log, and yield the lines that are complete."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield from self._line(line)
        if len(self._rest) > LONGEST_BYTES:
            begun, self._rest = self._rest, b""
            yield from self._line(begun)

    def end(self) -> Iterator[bytes]:
        """End the log, and yield its last line if this line has no newline."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._line(rest)

    def _line(self, line: bytes) -> Iterator[bytes]:
        stamp, space, text = line.partition(b" ")
        if not (space and stamp[:2].isdigit() and b"T" in stamp):
            stamp, text = self._seen, line  # the rest of a line that was split
        if stamp <= self._until and self._until:
            return
        self._seen = stamp
        text = _as_text(text)
        if text.startswith(self._wanted):
            yield text


def _as_text(line: bytes) -> bytes:
    """Return a JSON entry of a worker in the form that it has as text. Return any other line unchanged."""
    if not line.startswith(b'{"time": '):
        return line
    try:
        entry = json.loads(line)
        label = attempt_of(entry)
        message = str(entry["message"])
    except (ValueError, KeyError, TypeError):
        return line
    return (f"{label}: {message}" if label else message).encode("utf-8", "backslashreplace")
