"""How the program says on stderr what went wrong: a line for people, or an entry for a collector of logs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from kubemr_shell.command.json_lines import JsonLines

LogFormat = Literal["text", "json"]
LOG_FORMATS = ("text", "json")
VARIABLE = "KUBEMR_LOG_FORMAT"
"""Tells pods of a job what their operator was told. A kubemr-shell that does not know it writes text."""


class _Form:
    """The form of messages: JSON, or text where it is None."""

    json: JsonLines | None = None


def log_format(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that runs in pods the option ``--log-format``."""
    text = "One line of JSON for each message, or text."
    option = click.option("--log-format", type=click.Choice(LOG_FORMATS), default="text", envvar=VARIABLE, help=text)
    return option(command)


def write_text() -> None:
    """Write messages for people from now on."""
    _Form.json = None


def write_json(component: str, **fields: str) -> JsonLines:
    """Write messages as JSON from now on, with these fields in each, and return what writes them."""
    import time  # noqa: PLC0415

    from kubemr_shell.command.json_lines import JsonLines  # noqa: PLC0415

    lines = JsonLines(time.time, component=component, **fields)  # noqa: TID251 - a stamp for readers, never compared
    _Form.json = lines
    return lines


def say(message: str, *, level: str = "error", prefix: str = "kubemr-shell: ") -> None:
    """Write a message to stderr. ``prefix`` is for people alone."""
    text = _Form.json.line(message, level=level) if _Form.json else f"{prefix}{message}"
    print(text, file=sys.stderr, flush=True)


def warn(message: str) -> None:
    """Write what goes on by itself, for ``kubectl logs``."""
    say(message, level="warning")
