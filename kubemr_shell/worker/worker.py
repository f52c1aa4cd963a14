"""One worker, put together: its board, its slots and its loop. Where it runs, and where its job is, others say."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.documents import DocumentStore
from kubemr_shell.board.job_view import JobView
from kubemr_shell.board.timing import Timing
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.command.open_files import make_room
from kubemr_shell.command.orphans import GroupFile
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.net.s3_requests import RequestMeter
from kubemr_shell.worker.attention import Attention
from kubemr_shell.worker.commands import Commands
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.job_files import scratch_of
from kubemr_shell.worker.loop import Loop
from kubemr_shell.worker.map_outputs import map_outputs_of
from kubemr_shell.worker.map_task import MapTasks
from kubemr_shell.worker.meter import Meter
from kubemr_shell.worker.part import PartWriter
from kubemr_shell.worker.reduce_task import ReduceTasks
from kubemr_shell.worker.slots import Slots
from kubemr_shell.worker.splits import PlannedSplits
from kubemr_shell.worker.stages import Stages
from kubemr_shell.worker.tasks import SlotTasks


def print_nothing(text: str) -> None:
    """Drop what a worker has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What tells one worker of a job from another, and what it keeps in local files."""

    worker: str
    """Its name; no other worker of the job ever has the same."""
    workers: int
    """How many the job has."""
    number: int | None = None
    """Which of them it is, from 0, where that is known."""
    slots: int
    timing: Timing
    is_dead: Callable[[str], bool]
    """Evidence that another worker is gone."""
    groups: str
    """A file for the process groups of its commands."""
    progress: str
    """A file for what it has done."""
    log: Callable[[str], object] = print_nothing
    """Is told what the worker waits for."""


class Worker:
    """A worker from its start to its end: ``run`` once, ``close`` at last."""

    def __init__(
        self,
        store: DocumentStore,
        job: str,
        options: WorkerOptions,
        context: Callable[[JobView, Callable[[], int | None]], JobContext],
    ) -> None:
        """``job`` is its name on the board. ``context`` makes of it what the worker sees, and of the number of maps.

        The job's files are fetched here, which may take long; errors name those that cannot be.
        """
        self._resources = ExitStack()
        try:
            self._put_together(store, job, options, context)
        except BaseException:
            self.close()
            raise

    def _put_together(
        self,
        store: DocumentStore,
        job: str,
        options: WorkerOptions,
        context: Callable[[JobView, Callable[[], int | None]], JobContext],
    ) -> None:
        self.board = Board(
            store,
            job,
            options.worker,
            slots=options.slots,
            agents=options.workers,
            timing=options.timing,
            clock=time.monotonic,
            random=Random(os.urandom(16)),
            number=options.number,
            is_dead=options.is_dead,
            log=options.log,
            together=lambda phase: self._outputs.together() if phase is Phase.REDUCE else 1,
        )
        seen = context(self.board.known, self._maps)
        self._way_on = seen.way_on
        with self._way_on.said():
            self._prepare(seen, options)

    def _prepare(self, seen: JobContext, options: WorkerOptions) -> None:
        attention, stopping = Attention(), Cancel()
        self._resources.callback(attention.close)
        self._resources.callback(stopping.close)
        stages = Stages(
            self.board,
            seen,
            parallelism=options.slots * options.workers,
            lease_seconds=options.timing.lease_seconds,
            cancel=stopping,
        )
        self._slots = Slots(self._runners(seen, stages, options), attention.set)
        self._loop = Loop(
            self.board,
            stages,
            self._slots,
            Meter(options.progress, self._slots, time.monotonic),
            timing=options.timing,
            clock=time.monotonic,
            attention=attention,
            stopping=stopping,
        )

    def run(self) -> JobState | None:
        """The state in which the job ended, or None after ``stop``."""
        with self._way_on.said():
            return self._loop.run()

    def stop(self) -> None:
        """Give everything back and return from ``run``, at once. Any thread, any signal handler."""
        self._loop.stop()

    def close(self) -> None:
        self._resources.close()

    def _maps(self) -> int | None:
        plan = self.board.known.plan
        return plan.tasks if plan else None

    def _plan_id(self) -> str:
        plan = self._known().plan
        assert plan is not None
        return plan.claim_id

    def _known(self) -> JobView:
        """The job as the board's last step saw it; slots read it while the loop goes on."""
        return self.board.known

    def _runners(self, job: JobContext, stages: Stages, options: WorkerOptions) -> list[SlotTasks]:
        make_room(options.slots)
        groups = GroupFile(options.groups)
        self._resources.callback(groups.close)
        scratch = scratch_of(job)
        self._outputs = map_outputs_of(job, lambda: self._slots.tasks(Phase.REDUCE))
        self._resources.callback(self._outputs.close)
        splits = PlannedSplits(job.workspace, self._plan_id)
        requests = RequestMeter()
        runners = []
        for slot in range(job.memory.slots):
            commands = Commands(job, scratch, groups.recorder(slot))
            parts = PartWriter(job, commands)
            maps = MapTasks(job, commands, parts, self._outputs, splits)
            reduces = ReduceTasks(job, parts, self._outputs, self._known)
            runners.append(SlotTasks(commands, maps, reduces, stages, requests, scratch=job.workspace.scratch))
        return runners
