"""The request for a run, as the command line gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubemr_shell.job.spec import JobSpec
from kubemr_shell.worker.memory import MemoryPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A job, and how to run it on this machine. Paths are absolute."""

    name: str
    spec: JobSpec
    """The spec as the user wrote it. Defaults that depend on the machine are filled in when the job is made."""
    folder: str
    """The folder to which relative inputs are relative."""
    output: str | None
    """The folder or ``s3://`` prefix for the parts. None: the results go to stdout."""
    tmp: str | None = None
    """The URI of the folder for temporaries. None: they are in the job's state folder."""
    state_home: str
    """The folder for the state of runs whose output is not a folder."""
    workers: int
    """The number of worker processes."""
    memory: MemoryPlan
    environment: Mapping[str, str]
    """The environment that the user's commands inherit."""
    resume: bool = False
    overwrite: bool = False
    quiet: bool = False
    command_line: tuple[str, ...] = ()
    """The words with which the run was called, for hints."""
