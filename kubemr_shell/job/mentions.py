"""Finds the variables of the input file in commands and scripts. Pure.

A task that reads several files has no variable for its input file. So if a command needs such a variable, small files
do not share tasks.
"""

from __future__ import annotations

import re
import shlex

from kubemr_shell.job.spec import Command, JobSpec

_VARIABLE = re.compile(
    rb"(?<![A-Za-z0-9_])(?:KUBEMR_INPUT(?:_START|_LENGTH)?"
    rb"|(?:mapreduce[_.])?map[_.]input[_.](?:file|start|length))(?![A-Za-z0-9_])"
)
"""The names of the variables. With dots, they are the names that Hadoop's configuration gives them."""


def mentioned_variable(text: bytes) -> str | None:
    """Return the first variable of the input file that a text mentions, or None."""
    found = _VARIABLE.search(text)
    return found[0].decode() if found else None


def mention_in_commands(spec: JobSpec) -> tuple[str, str] | None:
    """Return the field of the first command that mentions a variable of the input file, and the variable.

    Only map tasks have an input file, so the reduceCommand is not searched.
    """
    for field, command in (("mapCommand", spec.map_command), ("combineCommand", spec.combine_command)):
        for word in _texts(command):
            if variable := mentioned_variable(word.encode("utf-8", "surrogateescape")):
                return field, variable
    return None


def absolute_paths(spec: JobSpec) -> tuple[str, ...]:
    """Return the words of the map and the combine command that are absolute paths. They may be scripts."""
    words = (word for command in (spec.map_command, spec.combine_command) for word in _words(command))
    return tuple(dict.fromkeys(word for word in words if word.startswith("/")))


def _texts(command: Command | None) -> tuple[str, ...]:
    return () if command is None else (command,) if isinstance(command, str) else command


def _words(command: Command | None) -> list[str]:
    """Return the words of a command. Divide a string as a shell does, or at spaces if its quotes do not match."""
    if not isinstance(command, str):
        return list(command or ())
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
