"""The scripts of a job: files with whose names its commands begin. Pure."""

from __future__ import annotations

import shlex

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
    """Return all files except the script of the reduceCommand. A map command may read any of them."""
    script = script_name(spec.reduce_command)
    if script is None or script in scripts_of_maps(spec):
        return spec.files
    return tuple(uri for uri in spec.files if file_name(uri) != script)
