"""Makes a job from a YAML file, the flags and the defaults of the image."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubemr_shell.errors import Problem, UsageError
from kubemr_shell.inputs.download import is_remote
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.names import file_location, file_name
from kubemr_shell.job.scripts import script_name
from kubemr_shell.job.spec import Command, Job, JobSpec
from kubemr_shell.job.validate import load_job
from kubemr_shell.settings import Settings
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import path_of
from kubemr_shell.storage.locate import scheme_of


def read_job(
    path: str | None,
    changes: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    *,
    is_here: bool = False,
) -> Job:
    """Return the job in a file (``-``: stdin), or a job from ``changes`` alone. Raise InvalidSpec with all problems.

    ``is_here`` makes the paths in the file absolute, for a job on this machine.
    """
    if path is None:
        document: object = {
            "apiVersion": API_VERSION,
            "kind": JOB_KIND,
            "metadata": {"generateName": "run-"},
            "spec": {},
        }
        source = "command line"
    else:
        from kubemr_shell.cli.yaml_file import read_yaml

        document, source = read_yaml(path), path
        if is_here:
            from kubemr_shell.cli.yaml_paths import with_paths_from

            document = with_paths_from(document, folder_of(path))
    job = load_job(document, source, changes)
    return replace(job, spec=with_defaults(job.spec, settings)) if settings else job


def with_defaults(spec: JobSpec, settings: Settings) -> JobSpec:
    """Return a spec with the commands of the image, for the commands that the spec leaves out."""
    return replace(
        spec,
        map_command=spec.map_command or settings.map_command,
        combine_command=spec.combine_command or settings.combine_command,
        reduce_command=spec.reduce_command or settings.reduce_command,
    )


def folder_of(path: str) -> str:
    """Return the folder to which relative names in a job's YAML are relative. For ``-``, return the current folder."""
    return os.path.dirname(os.path.abspath(path))


def add_scripts(spec: JobSpec, folder: str) -> JobSpec:
    """Return the spec with absolute paths or URIs in ``files`` and ``archives``, and with the scripts of its commands.

    A script is a file in ``folder`` with which a command begins. A file that the job names wins over a script of the
    same name.
    """
    files = [_absolute(path, folder) for path in spec.files]
    archives = [_absolute(path, folder) for path in spec.archives]
    for command in (spec.map_command, spec.combine_command, spec.reduce_command):
        script = _script(command, folder)
        if script and file_name(script) not in map(file_name, (*files, *archives)):
            files.append(script)
    return replace(spec, files=tuple(files), archives=tuple(archives))


def permission_problems(spec: JobSpec) -> list[Problem]:
    """Return a problem for each command that begins with a local file without execute permission.

    ``spec`` must come from ``add_scripts``.
    """
    paths = {file_name(uri): file_location(uri) for uri in spec.files if not is_remote(uri)}
    commands = {
        "spec.mapCommand": spec.map_command,
        "spec.combineCommand": spec.combine_command,
        "spec.reduceCommand": spec.reduce_command,
    }
    problems = []
    for where, command in commands.items():
        path = paths.get(script_name(command) or "")
        if path and command and not _can_begin(command, path):
            message = f"{shown(file_name(path))} has no execute permission: chmod +x {shlex.quote(path)}"
            problems.append(Problem(path=where, message=message))
    return problems


def _can_begin(command: Command, path: str) -> bool:
    """Return whether a command can begin with a file. Without ``./``, a program of the same name will do as well."""
    if os.access(path, os.X_OK) or not os.path.isfile(path):
        return True
    word = shlex.split(command)[0] if isinstance(command, str) else command[0]
    return "/" not in word and shutil.which(word) is not None


def _script(command: Command | None, folder: str) -> str | None:
    """Return the path of the file beside the YAML that is the first word of the command, or None."""
    name = script_name(command)
    path = os.path.join(folder, name or "")
    return path if name and os.path.isfile(path) else None


def _absolute(uri: str, folder: str) -> str:
    """Return an entry of ``files`` or ``archives`` as an absolute path or URI. Raise UsageError for other schemes."""
    if not is_remote(uri):
        if scheme_of(uri) != "file":
            raise UsageError(f"{uri}: files and archives are paths or http://, https:// or s3:// URIs")
        uri = os.path.abspath(os.path.join(folder, path_of(uri)))
        if file_location(uri) != uri and os.path.exists(uri) and not os.path.exists(file_location(uri)):
            raise UsageError(
                f"{uri}: the text behind # is the name in the attempt's folder, and there is no {file_location(uri)}: "
                f"for the file with # in its name, write {uri}#NAME"
            )
    if not file_name(uri):
        raise UsageError(f"{uri}: files and archives need a name: give the whole path or URL of a file")
    return uri
