"""What a run was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubemr_shell.job.spec import JobSpec
from kubemr_shell.worker.memory import MemoryPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A job and how to run it here. Paths are absolute."""

    name: str
    spec: JobSpec
    """As it was asked for; what it leaves to the machine is settled when the job is made."""
    folder: str
    """Relative inputs are relative to this."""
    output: str | None
    """None: the results go to stdout."""
    tmp: str | None = None
    """URI of the folder under which the temporaries are; None: with the other state of the job."""
    state_home: str
    workers: int
    memory: MemoryPlan
    environment: Mapping[str, str]
    resume: bool = False
    overwrite: bool = False
    quiet: bool = False
    command_line: tuple[str, ...] = ()
    """How the run was called, for hints."""
