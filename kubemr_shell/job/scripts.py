"""The scripts of a job: files with whose names its commands begin. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from kubemr_shell.job.names import file_name
from kubemr_shell.job.spec import Command, JobSpec


def script_name(command: Command | None) -> str | None:
    """Return the first word of a command if it may be a script beside the YAML, else None.

    A word with a folder in it names a file elsewhere.
    """
    if not command:
        return None
    try:
        word = shlex.split(command)[0] if isinstance(command, str) else command[0]
    except (ValueError, IndexError):
        return None
    name = word.removeprefix("./")
    return None if "/" in name else name


def scripts_of_maps(spec: JobSpec) -> set[str]:
    """Return the first words of the commands of the map phase."""
    return {name for name in map(script_name, (spec.map_command, spec.combine_command)) if name}


def files_of_maps(spec: JobSpec) -> tuple[str, ...]:
    """Return all files that a map command may read: all but the script that is of the reduceCommand alone."""
    maps = (spec.map_command, spec.combine_command)
    values = (*(variable.value for variable in spec.env), *spec.jobargs.values())
    script = script_of_reduces_alone(spec.reduce_command, maps, values)
    return tuple(uri for uri in spec.files if file_name(uri) != script)


def script_of_reduces_alone(
    reduces: Command | None, maps: Iterable[Command | None], values: Iterable[str]
) -> str | None:
    """Return the name of the script of the reduceCommand, or None if a map attempt may read this script.

    A map attempt may read the script if a command of the map phase, or one of the ``values`` of its environment,
    mentions the name. ``sh job.sh map`` begins with another word.
    """
    script = script_name(reduces)
    words = [word for command in maps if command for word in ([command] if isinstance(command, str) else command)]
    return None if script is None or any(script in text for text in (*words, *values)) else script
