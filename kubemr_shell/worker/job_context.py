"""The facts of a job that every part of its worker needs."""

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
    """A job as one worker sees it."""

    name: str
    uid: str
    worker: str
    spec: JobSpec
    """The resolved spec: ``partitions`` is a number."""
    workspace: Workspace
    memory: MemoryPlan
    environment: Mapping[str, str]
    """The environment variables that the user's commands inherit."""
    folder: str
    """The folder to which relative inputs are relative."""
    cpus: int
    """The number of CPUs that an attempt may keep busy."""
    old_result: OldResult
    refusal: Callable[[], str | None] = lambda: None
    """Returns the reason why the job may not begin, or None. The call may send requests to the storage.

    So only the planner calls this function, for all workers.
    """
    maps: int | None
    """The number of map tasks in the plan; None while there is no plan."""
    pin: Pin
    """The function that pins a file of this machine, in a way that all workers of the job can compare."""
    stdin_copy: str | None = None
    """The path of a copy of stdin, if the job reads stdin."""
    list_copy: Callable[[], bytes] | None = None
    """Returns the list of inputs, if the list came from a stream."""
    echo: Echo | None = None
    """A second destination of the commands' stderr, for workers whose files users cannot read."""

    @cached_property
    def partitions(self) -> int:
        """Return the number of reduce tasks; 0 for a map-only job."""
        assert self.spec.partitions is not None
        return self.spec.partitions

    @property
    def is_map_only(self) -> bool:
        """Return whether the job has no reduce tasks."""
        return self.partitions == 0

    @property
    def output_phase(self) -> Phase:
        """Return the phase whose tasks write the parts."""
        return Phase.MAP if self.is_map_only else Phase.REDUCE

    @cached_property
    def user_environment(self) -> dict[str, str]:
        """Return the environment variables of the spec's field ``env``."""
        return {variable.name: variable.value for variable in self.spec.env}

    def part_name(self, task: int) -> str:
        """Return the name of the part that a task of the output phase writes."""
        return names.part_name(task, self.spec.compress_output)
