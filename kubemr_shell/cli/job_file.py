"""From a YAML file, flags and the image's defaults to a job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubemr_shell.errors import UsageError
from kubemr_shell.inputs.download import is_remote
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.names import file_name
from kubemr_shell.job.scripts import script_name
from kubemr_shell.job.spec import Command, Job, JobSpec
from kubemr_shell.job.validate import load_job
from kubemr_shell.settings import Settings
from kubemr_shell.storage.local import path_of
from kubemr_shell.storage.locate import scheme_of


def read_job(path: str | None, changes: Mapping[str, Any] | None = None, settings: Settings | None = None) -> Job:
    """The job in a file (``-``: stdin), or one made of ``changes`` alone; InvalidSpec with every problem."""
    if path is None:
        document: object = {
            "apiVersion": API_VERSION,
            "kind": JOB_KIND,
            "metadata": {"generateName": "run-"},
            "spec": {},
        }
        source = "command line"
    else:
        from kubemr_shell.cli.yaml_file import read_yaml  # noqa: PLC0415 - the one-liner needs no YAML

        document, source = read_yaml(path), path
    job = load_job(document, source, changes)
    return replace(job, spec=with_defaults(job.spec, settings)) if settings else job


def with_defaults(spec: JobSpec, settings: Settings) -> JobSpec:
    """An image may bring the commands."""
    return replace(
        spec,
        map_command=spec.map_command or settings.map_command,
        combine_command=spec.combine_command or settings.combine_command,
        reduce_command=spec.reduce_command or settings.reduce_command,
    )


def add_scripts(spec: JobSpec, folder: str) -> JobSpec:
    """``files`` and ``archives`` as absolute paths or URIs, with the scripts in ``folder`` that commands begin with."""
    named = [_absolute(path, folder) for path in spec.files]
    for command in (spec.map_command, spec.combine_command, spec.reduce_command):
        script = _script(command, folder)
        if script and script not in named:
            named.append(script)
    return replace(spec, files=tuple(named), archives=tuple(_absolute(path, folder) for path in spec.archives))


def _script(command: Command | None, folder: str) -> str | None:
    """The file beside the YAML that is the command's first word."""
    name = script_name(command)
    path = os.path.join(folder, name or "")
    return path if name and os.path.isfile(path) else None


def _absolute(uri: str, folder: str) -> str:
    """One of ``files`` or ``archives`` as a worker may read it; UsageError for what cannot be fetched."""
    if not is_remote(uri):
        if scheme_of(uri) != "file":
            raise UsageError(f"{uri}: files and archives are paths or http://, https:// or s3:// URIs")
        uri = os.path.abspath(os.path.join(folder, path_of(uri)))
    if not file_name(uri):
        raise UsageError(f"{uri}: files and archives need a name: give the whole path or URL of a file")
    return uri
