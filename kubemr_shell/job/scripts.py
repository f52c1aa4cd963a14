"""Which of a job's files are scripts that its commands begin with. Pure."""

from __future__ import annotations

import shlex

from kubemr_shell.job.names import file_name
from kubemr_shell.job.spec import Command, JobSpec


def script_name(command: Command | None) -> str | None:
    """The first word of a command, if it may be a script beside the YAML: one with a folder in it is elsewhere."""
    if not command:
        return None
    try:
        word = shlex.split(command)[0] if isinstance(command, str) else command[0]
    except (ValueError, IndexError):
        return None
    name = word.removeprefix("./")
    return None if "/" in name else name


def scripts_of_maps(spec: JobSpec) -> set[str]:
    """Names of what the commands of the map phase begin with."""
    return {name for name in map(script_name, (spec.map_command, spec.combine_command)) if name}


def files_of_maps(spec: JobSpec) -> tuple[str, ...]:
    """All files but the script of the reduceCommand: whatever else is there, a map command may read."""
    script = script_name(spec.reduce_command)
    if script is None or script in scripts_of_maps(spec):
        return spec.files
    return tuple(uri for uri in spec.files if file_name(uri) != script)
