"""The lines of a pod's log, each with the time at which it was written. Pure.

The kubelet puts a time stamp of fixed width before each line, which says where to go on when a connection was cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubemr_shell.command.json_lines import attempt_of

LONGEST_BYTES = 1 << 20
"""A line that is longer becomes several."""


class LogLines:
    """Takes the bytes of one log, of one connection after the other, and gives each line once."""

    def __init__(self, task: str | None = None) -> None:
        """``task``: only what attempts of it wrote, such as ``map/17``."""
        self._wanted = f"{task}.".encode() if task else b""
        self._rest = b""
        self._seen: bytes = b""
        """The stamp of the last line."""
        self._until = b""
        """Lines up to that stamp are known from an earlier connection."""

    @property
    def since(self) -> str | None:
        """The second from which on the log is needed; None: from its begin."""
        return self._seen.decode()[:19] + "Z" if self._seen else None

    def begin(self) -> None:
        """Another connection: what it repeats is left out, and half a line that was cut comes again."""
        self._until, self._rest = self._seen, b""

    def take(self, data: bytes) -> Iterator[bytes]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield from self._line(line)
        if len(self._rest) > LONGEST_BYTES:
            begun, self._rest = self._rest, b""
            yield from self._line(begun)

    def end(self) -> Iterator[bytes]:
        """The log is over: its last line may have no end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._line(rest)

    def _line(self, line: bytes) -> Iterator[bytes]:
        stamp, space, text = line.partition(b" ")
        if not (space and stamp[:2].isdigit() and b"T" in stamp):
            stamp, text = self._seen, line  # the rest of a line that was too long
        if stamp <= self._until and self._until:
            return
        self._seen = stamp
        text = _as_text(text)
        if text.startswith(self._wanted):
            yield text


def _as_text(line: bytes) -> bytes:
    """Return an entry that a worker wrote as JSON in the form that it has in text, and any other line as it is."""
    if not line.startswith(b'{"time": '):
        return line
    try:
        entry = json.loads(line)
        label = attempt_of(entry)
        message = str(entry["message"])
    except (ValueError, KeyError, TypeError):
        return line
    return (f"{label}: {message}" if label else message).encode("utf-8", "backslashreplace")
