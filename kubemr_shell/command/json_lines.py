"""Formats each message as one line of JSON, for log collectors that search by fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

LONGEST_BYTES = 15 << 10
"""The most bytes of an entry. Container runtimes cut lines at 16 KiB, and half a line is no valid JSON."""

Line = Callable[[bytes], bytes]
"""A function that formats a line of stderr for the log. The result includes the newline."""


class JsonLines:
    """A formatter of messages that adds the time and fixed fields. ``now`` returns the seconds since 1970."""

    def __init__(self, now: Callable[[], float], **fields: str) -> None:
        self._now = now
        self._fields = fields

    def line(self, message: str, *, level: str = "info", **fields: object) -> str:
        """Return a message as one line of JSON, without its end. Fields that are None are left out."""
        stamp = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        given = {name: value for name, value in {**self._fields, **fields}.items() if value is not None}
        return json.dumps({"time": stamp, "level": level, **given, "message": message}, ensure_ascii=False)

    def of_attempt(self, label: str) -> Line:
        """Return the function that makes a log entry from a line of stderr of an attempt, such as ``map/17.0``.

        A byte that is not UTF-8 is written as ``\\xff``. If the entry is longer than LONGEST_BYTES, the line becomes
        several entries.
        """
        task, _, attempt = label.rpartition(".")

        def entries(line: bytes) -> bytes:
            text = line.decode("utf-8", "backslashreplace")
            entry = self.line(text, stream="stderr", task=task, attempt=int(attempt)).encode() + b"\n"
            if len(entry) <= LONGEST_BYTES or len(line) < 2:
                return entry
            middle = len(line) // 2
            while middle < len(line) - 1 and line[middle] & 0xC0 == 0x80:  # do not cut inside a UTF-8 character
                middle += 1
            return entries(line[:middle]) + entries(line[middle:])

        return entries


def attempt_of(line: Mapping[str, object]) -> str | None:
    """Return the label of the attempt that wrote an entry; None for an entry of the worker itself."""
    return f"{line['task']}.{line['attempt']}" if "task" in line and "attempt" in line else None
