"""The log of an operator on one stream: a line of text for each message, or a line of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from kubemr_shell.operator.object_cache import Key

if TYPE_CHECKING:
    from kubemr_shell.command.json_lines import JsonLines


class OperatorLog:
    """A log that is written in whole lines. Any thread may use it."""

    def __init__(self, stream: TextIO, lines: JsonLines | None = None) -> None:
        """``lines`` turns messages into JSON. With None, messages are text."""
        self._stream = stream
        self._lines = lines

    def error(self, error: Exception, job: Key | None = None) -> None:
        """Write an error, with the namespace and the name of its job if it concerns one."""
        if self._lines is not None:
            namespace, name = job or (None, None)
            text = self._lines.line(str(error), level="error", namespace=namespace, job=name)
        else:
            text = f"kubemr-shell operator: {f'{job[0]}/{job[1]}: ' if job else ''}{error}"
        self._stream.write(f"{text}\n")
        self._stream.flush()
