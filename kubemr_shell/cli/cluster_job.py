"""Reads a YAML file on this machine as a job that pods can work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubemr_shell.cli.cluster_options import say
from kubemr_shell.cli.job_file import add_scripts, folder_of
from kubemr_shell.cli.yaml_file import read_yaml
from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.spec import Job
from kubemr_shell.job.validate import load_job

if TYPE_CHECKING:
    from kubemr_shell.client.packing import Package


@dataclass(frozen=True, kw_only=True)
class ClusterJob:
    """A job that was read, with the files that have to travel with it."""

    job: Job
    spec: Mapping[str, Any]
    """The spec as its author wrote it."""
    package: Package


def read_cluster_job(path: str) -> ClusterJob:
    """Return the job in a file, and print warnings. Raise InvalidSpec with all problems, those of clusters included."""
    from kubemr_shell.client.cluster_spec import look_at_places
    from kubemr_shell.client.packing import pack

    document = read_yaml(path)
    job = load_job(document, path)
    assert isinstance(document, Mapping)
    folder = folder_of(path)
    problems, warnings = look_at_places(job.spec)
    package = pack(job.spec, add_scripts(job.spec, folder), folder)
    if problems or package.problems:
        raise InvalidSpec([*problems, *package.problems], path)
    for warning in [*warnings, *package.warnings]:
        say(f"{path}: {warning}")
    return ClusterJob(job=job, spec=document["spec"], package=package)
