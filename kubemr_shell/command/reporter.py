"""Parses ``reporter:`` lines: the counters and the status that a command sends over stderr, as in Hadoop Streaming.

``reporter:counter:GROUP,NAME,AMOUNT`` adds a signed 64-bit amount; the sum wraps. ``reporter:status:TEXT`` replaces the
status. A line that is malformed or over a limit causes only a warning. Pure.
"""

from __future__ import annotations

import re
from bisect import insort

from kubemr_shell.job.counters import MOST_OF_A_PART, CounterName

PREFIX = b"reporter:"
"""The beginning of every reporter line."""
MAX_NAME_BYTES = 128
"""The most bytes of the group, and of the name, of a counter."""
MAX_STATUS_BYTES = 1000
"""The bytes of a status that are kept."""
MAX_WARNINGS = 20
"""The warnings of one attempt that are kept."""
SHOWN_BYTES = 200
"""The bytes of a line that a warning shows."""

_COUNTER = b"reporter:counter:"
_STATUS = b"reporter:status:"
_AMOUNT = re.compile(rb"[+-]?[0-9]{1,40}", re.ASCII)
_LIMIT = 1 << 63


class Reporter:
    """The counters, the status and the warnings from the reporter lines of one attempt."""

    def __init__(self) -> None:
        self.counters: dict[CounterName, int] = {}
        self._names: list[CounterName] = []
        """The names of ``counters``, in order."""
        self.status = ""
        self.warnings: list[str] = []

    def take(self, line: bytes) -> bool:
        """Record the counter or the status of a line that begins with PREFIX, given without its newline.

        For a malformed line, add a warning and return False; the caller then logs the line.
        """
        if line.startswith(_COUNTER):
            return self._count(line)
        if line.startswith(_STATUS):
            self.status = line[len(_STATUS) :].strip()[:MAX_STATUS_BYTES].decode(errors="replace")
            return True
        return self.refuse(line, "neither reporter:counter: nor reporter:status:")

    def refuse(self, line: bytes, reason: str) -> bool:
        """Record a warning about a malformed line. Return False always."""
        self._warn(f"not understood ({reason}): {_shown(line)}")
        return False

    def _count(self, line: bytes) -> bool:
        # Hadoop drops empty fields at the end: "G,C,1," counts.
        fields = line[len(_COUNTER) :].strip().rstrip(b",").split(b",")
        if len(fields) != 3:
            return self.refuse(line, "a counter has three fields: GROUP,NAME,AMOUNT")
        group, name, digits = fields
        amount = int(digits) if _AMOUNT.fullmatch(digits) else _LIMIT
        if not -_LIMIT <= amount < _LIMIT:
            return self.refuse(line, "the amount is not a signed 64-bit number")
        self._add(group, name, amount)
        return True

    def _add(self, group: bytes, name: bytes, amount: int) -> None:
        key = group.decode(errors="replace"), name.decode(errors="replace")
        if max(len(group), len(name)) > MAX_NAME_BYTES:
            shown = _shown(group + b"," + name)
            self._warn(f"counter dropped: its group or name is over {MAX_NAME_BYTES} bytes: {shown}")
        elif key in self.counters or self._make_room(key):
            total = self.counters.get(key, 0) + amount
            self.counters[key] = (total + _LIMIT) % (2 * _LIMIT) - _LIMIT

    def _make_room(self, key: CounterName) -> bool:
        """Return whether a new counter is kept. An attempt keeps the first counters by group and name (SPEC 10.8).

        The last kept name only moves towards the first, so a counter that was dropped does not come back.
        """
        if len(self._names) == MOST_OF_A_PART:
            dropped = max(key, self._names[-1])
            group, name = dropped
            self._warn(
                f"counter dropped: an attempt keeps {MOST_OF_A_PART} counters, the first by group and name: "
                f"{group},{name}"
            )
            if dropped == key:
                return False
            del self.counters[self._names.pop()]
        insort(self._names, key)
        return True

    def _warn(self, text: str) -> None:
        if text in self.warnings:
            return
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)
        elif len(self.warnings) == MAX_WARNINGS:
            self.warnings.append("more warnings were left out")


def _shown(data: bytes) -> str:
    return data[:SHOWN_BYTES].decode(errors="backslashreplace")
