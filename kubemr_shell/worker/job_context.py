"""What every part of a worker knows of the job it works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from kubemr_shell.command.echo import Echo
from kubemr_shell.job import names
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import Phase
from kubemr_shell.worker.memory import MemoryPlan
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.pins import Pin
from kubemr_shell.worker.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """One job as one worker sees it."""

    name: str
    uid: str
    worker: str
    spec: JobSpec
    """Resolved: ``partitions`` is a number."""
    workspace: Workspace
    memory: MemoryPlan
    environment: Mapping[str, str]
    """What the user's commands inherit."""
    folder: str
    """Relative inputs are relative to this."""
    old_result: OldResult
    refusal: Callable[[], str | None] = lambda: None
    """Why the job may not begin, or None. Only who plans asks, for all: to know it may take requests to the storage."""
    maps: int | None
    """How many map tasks the plan has; None while there is no plan."""
    pin: Pin
    """How files of this machine are pinned: by what other workers can compare."""
    stdin_copy: str | None = None
    """A file with what was on stdin, when the job reads it."""
    list_copy: Callable[[], bytes] | None = None
    """Gives the list of inputs, when it came from a stream."""
    echo: Echo | None = None
    """Where commands' stderr goes as well, for workers whose files nobody can read."""

    @cached_property
    def partitions(self) -> int:
        assert self.spec.partitions is not None
        return self.spec.partitions

    @property
    def is_map_only(self) -> bool:
        return self.partitions == 0

    @property
    def output_phase(self) -> Phase:
        """The phase whose tasks write the parts."""
        return Phase.MAP if self.is_map_only else Phase.REDUCE

    @cached_property
    def user_environment(self) -> dict[str, str]:
        return {variable.name: variable.value for variable in self.spec.env}

    def part_name(self, task: int) -> str:
        return names.part_name(task, self.spec.compress_output)
