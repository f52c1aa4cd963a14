"""One line of JSON for each message, for collectors of logs that search by fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

LONGEST_BYTES = 15 << 10
"""Container runtimes cut a line that is longer than 16 KiB, and half a line is no JSON."""

Line = Callable[[bytes], bytes]
"""From a line to what is written of it, with its end."""


class JsonLines:
    """Writes messages with a time and with the same fields in each. ``now`` gives seconds since 1970."""

    def __init__(self, now: Callable[[], float], **fields: str) -> None:
        self._now = now
        self._fields = fields

    def line(self, message: str, *, level: str = "info", **fields: object) -> str:
        """Return a message as one line of JSON, without its end. A field that is None is left out."""
        stamp = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        given = {name: value for name, value in {**self._fields, **fields}.items() if value is not None}
        return json.dumps({"time": stamp, "level": level, **given, "message": message}, ensure_ascii=False)

    def of_attempt(self, label: str) -> Line:
        """Return what makes an entry of a line that the attempt ``map/17.0`` has written to stderr.

        A byte that is not UTF-8 is written as ``\\xff``. A line that makes too long an entry becomes several.
        """
        task, _, attempt = label.rpartition(".")

        def entries(line: bytes) -> bytes:
            text = line.decode("utf-8", "backslashreplace")
            entry = self.line(text, stream="stderr", task=task, attempt=int(attempt)).encode() + b"\n"
            if len(entry) <= LONGEST_BYTES or len(line) < 2:
                return entry
            middle = len(line) // 2
            while middle < len(line) - 1 and line[middle] & 0xC0 == 0x80:  # no character of UTF-8 is cut
                middle += 1
            return entries(line[:middle]) + entries(line[middle:])

        return entries


def attempt_of(line: Mapping[str, object]) -> str | None:
    """Return the label of the attempt that wrote an entry; None for an entry of the worker itself."""
    return f"{line['task']}.{line['attempt']}" if "task" in line and "attempt" in line else None
