"""The screen that explains why a job failed. Pure: turns the failure on the board into lines of text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from kubemr_shell.board.failure_facts import STDERR_LINES
from kubemr_shell.errors import InputChanged
from kubemr_shell.screens.figures import bytes_text

INPUTS_SHOWN = 4
"""The most inputs of a task that the screen names."""


def failure_lines(
    failure: Mapping[str, Any], *, job: str, debug: Sequence[str], resume: Sequence[str], anew: Sequence[str] = ()
) -> list[str]:
    """Return the lines that say what failed, where, why, and what to do next.

    ``debug``, ``resume`` and ``anew`` are the command lines that the screen suggests. The screen leaves empty ones out.
    """
    task = failure.get("task")
    where = f"{task}, attempt {failure['attempt']}: " if task else ""
    lines = [f"job {job} failed: {where}{failure['reason']}"]
    if failure.get("command"):
        lines.append(f"  command: {_command_text(failure['command'])}")
    inputs = failure.get("inputs") or []
    lines += [
        f"  {'input:  ' if not index else '        '} {_input_text(piece)}"
        for index, piece in enumerate(inputs[:INPUTS_SHOWN])
    ]
    if len(inputs) > INPUTS_SHOWN:
        lines.append(f"           and {len(inputs) - INPUTS_SHOWN} more")
    stderr = str(failure.get("stderr") or "").splitlines()
    if stderr:
        lines.append("  its last lines on stderr:")
        lines += [f"    | {line[:400]}" for line in stderr[-STDERR_LINES:]]
    elif failure.get("command"):
        lines.append("  it wrote nothing to stderr")
    if task and debug:
        lines.append(f"  run just this task again:  {_line(debug)}")
    if failure.get("kind") == InputChanged.__name__:  # no job continues after its inputs have changed
        lines += [f"  start again:               {_line(anew)}"] if anew else []
    elif resume:
        lines.append(f"  continue when fixed:       {_line(resume)}")
    return lines


def _line(words: Sequence[str]) -> str:
    """Return a command line to paste. Write unprintable words in bash's ``$'…'``, which can hold any byte."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in words)


def _escaped(word: str) -> str:
    plain = set(range(0x20, 0x7F)) - set(b"'\\")
    data = word.encode(errors="surrogateescape")
    return "$'" + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in data) + "'"


def _command_text(command: object) -> str:
    return shlex.join(command) if isinstance(command, list) else str(command)


def _input_text(piece: Mapping[str, Any]) -> str:
    uri = str(piece["uri"])
    name = uri if uri.isprintable() else _escaped(uri)
    start, end = piece.get("start") or 0, piece.get("end")
    if end is None or (start == 0 and end == piece.get("size")):
        return name
    return f"{name} bytes {start:,} to {end:,} ({bytes_text(end - start)})"
