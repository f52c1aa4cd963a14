"""Separates the stderr of a command into ``reporter:`` lines and the log.

The log goes to a file unchanged. Its first and last bytes are kept for messages. Bytes are never decoded here, a line
may have any length, and the memory does not grow with the size of the log.
"""

from __future__ import annotations

import os

from kubemr_shell.command.echo import AttemptEcho
from kubemr_shell.command.reporter import PREFIX, Reporter

HEAD_BYTES = 4 << 10
"""The first bytes of the log that are kept in memory."""
TAIL_BYTES = 4 << 10
"""The last bytes of the log that are kept in memory."""
MAX_REPORTER_LINE_BYTES = 4 << 10
"""The bytes, with the newline, of the longest reporter line. A longer line belongs to the log."""


class StderrLog:
    """The stderr of one attempt. The file at ``path`` is made with the first byte of the log.

    ``echo`` gets a copy of everything that is written to the file.
    """

    def __init__(self, path: str, echo: AttemptEcho | None = None) -> None:
        self.received = 0
        self.head = b""
        self.tail = b""
        self.reporter = Reporter()
        self.problems: list[str] = []
        """The reasons why the file is not complete."""
        self._path = path
        self._echo = echo
        self._file = -1
        self._begun = b""
        """The beginning of a line that may still become a reporter line."""
        self._inside = False
        """Whether the next byte continues a line of the log."""

    def write(self, data: bytes) -> None:
        """Take the next piece of stderr, of any size."""
        self.received += len(data)
        data = self._begun + data
        self._begun = b""
        position = 0
        while position < len(data):
            if not self._inside and _may_report(data, position):
                position = self._take_line(data, position)
            else:
                after = _next_report(data, position)
                self._log(data[position:after])
                position = after

    def close(self) -> None:
        """End the log at the end of stderr: take the unfinished line, and write the warnings below the log."""
        if self._begun.startswith(PREFIX):
            self._take(self._begun)
        else:
            self._log(self._begun)
        if self.reporter.warnings:
            lines = [f"kubemr-shell: {warning}\n" for warning in self.reporter.warnings]
            self._append("".join(["\n" if self._inside else "", *lines]).encode())
        if self._echo:
            self._echo.close()
        if self._file >= 0:
            os.close(self._file)

    def _take_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position, position + MAX_REPORTER_LINE_BYTES) + 1
        if end:
            self._take(data[position:end])
            return end
        if len(data) - position < MAX_REPORTER_LINE_BYTES:
            self._begun = data[position:]
            return len(data)
        self.reporter.refuse(data[position:], f"it is over {MAX_REPORTER_LINE_BYTES} bytes long")
        self._inside = True
        return position

    def _take(self, line: bytes) -> None:
        if not self.reporter.take(line.rstrip(b"\r\n")):
            self._log(line)

    def _log(self, data: bytes) -> None:
        if not data:
            return
        self._inside = not data.endswith(b"\n")
        missing = HEAD_BYTES - len(self.head)
        self.head += data[:missing]
        self.tail = (self.tail + data[missing:])[-TAIL_BYTES:]
        self._append(data)

    def _append(self, data: bytes) -> None:
        """Append to the log. A log that cannot be written does not fail the attempt; ``problems`` gets the reason."""
        if self._echo:
            self._echo.write(data)
        if self.problems:
            return
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            self.problems.append(f"the log of stderr is incomplete: {self._path}: {error.strerror}")


def _may_report(data: bytes, position: int) -> bool:
    """Return whether the line at ``position`` is a reporter line, or may become one with more bytes."""
    return PREFIX.startswith(data[position : position + len(PREFIX)])


def _next_report(data: bytes, position: int) -> int:
    """Return the position of the next line that may be a reporter line, or the end of ``data``."""
    found = data.find(b"\n" + PREFIX, position) + 1
    if found:
        return found
    last_line = data.rfind(b"\n", position) + 1
    return last_line if last_line and _may_report(data, last_line) else len(data)
