"""Runs attempts in one slot.

Each attempt ends with one of the results in ``attempt_results``. Its output is not visible before its commit.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import FolderRemoved, ObjectNotFound, Sequel
from kubemr_shell.job.state import Phase
from kubemr_shell.net.s3_requests import RequestMeter
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.attempt_results import AttemptEnded, Dropped, Finished, Result
from kubemr_shell.worker.commands import Commands
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.map_task import MapTasks
from kubemr_shell.worker.meter import Status
from kubemr_shell.worker.publish_task import PublishTasks
from kubemr_shell.worker.reduce_task import ReduceTasks
from kubemr_shell.worker.slots import TaskRunner


class SlotTasks(TaskRunner):
    """The task runner of one slot, which passes each attempt to the runner of its phase."""

    def __init__(
        self,
        commands: Commands,
        maps: MapTasks,
        reduces: ReduceTasks,
        publishes: PublishTasks,
        requests: RequestMeter,
        *,
        scratch: str,
    ) -> None:
        """Make a runner. ``scratch`` is the folder of this worker for files that it needs while attempts run."""
        self._scratch = scratch
        self._commands = commands
        self._maps = maps
        self._reduces = reduces
        self._publishes = publishes
        self._requests = requests

    def run(self, phase: Phase, attempt: Attempt, cancel: Flag) -> Result:
        began = time.monotonic()
        try:
            entry = self._run(phase, attempt, cancel)
        except AttemptEnded as end:
            return end.result
        except FolderRemoved as error:
            return Dropped(attempt=attempt, cause=error)
        except (FileNotFoundError, ObjectNotFound) as error:
            if os.path.isdir(self._scratch):
                raise
            cause = FolderRemoved(self._scratch, sequel=Sequel.GOES_ON)
            cause.__cause__ = error
            return Dropped(attempt=attempt, cause=cause)
        entry = replace(entry, seconds=time.monotonic() - began, requests=self._requests.take())
        return Finished(attempt=attempt, entry=entry)

    def moved(self) -> int:
        return self._maps.moved() + self._reduces.moved()

    def status(self) -> Status | None:
        return self._commands.status

    def close(self) -> None:
        self._maps.close()
        self._commands.close()

    def _run(self, phase: Phase, attempt: Attempt, cancel: Flag) -> Entry:
        match phase:
            case Phase.MAP:
                return self._maps.run(attempt, cancel)
            case Phase.REDUCE:
                return self._reduces.run(attempt, cancel)
            case Phase.PUBLISH:
                return self._publishes.run(attempt, cancel)
