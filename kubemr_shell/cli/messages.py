"""Writes messages to stderr: as lines for people, or as JSON for a collector of logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from kubemr_shell.command.json_lines import JsonLines

LogFormat = Literal["text", "json"]
"""The type of a log format."""
LOG_FORMATS = ("text", "json")
"""The values of ``--log-format``."""
VARIABLE = "KUBEMR_LOG_FORMAT"
"""The variable that passes the operator's log format to pods. A kubemr-shell that does not know it writes text."""


class _Form:
    """The current format of messages: JSON if ``json`` is set, else text."""

    json: JsonLines | None = None


def log_format(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option ``--log-format`` to a command that runs in pods."""
    text = "Write each message as text, or as one line of JSON."
    option = click.option("--log-format", type=click.Choice(LOG_FORMATS), default="text", envvar=VARIABLE, help=text)
    return option(command)


def write_text() -> None:
    """Write messages for people from now on."""
    _Form.json = None


def write_json(component: str, **fields: str) -> JsonLines:
    """Write messages as JSON from now on, with these fields in each message. Return the writer."""

    from kubemr_shell.command.json_lines import JsonLines

    lines = JsonLines(time.time, component=component, **fields)  # noqa: TID251 - a stamp for readers, never compared
    _Form.json = lines
    return lines


def say(message: str, *, level: str = "error", prefix: str = "kubemr-shell: ") -> None:
    """Write a message to stderr. ``prefix`` is written only in text."""
    text = _Form.json.line(message, level=level) if _Form.json else f"{prefix}{message}"
    print(text, file=sys.stderr, flush=True)


def warn(message: str) -> None:
    """Write a warning, for ``kubectl logs``, about a problem after which the worker continues by itself."""
    say(message, level="warning")
