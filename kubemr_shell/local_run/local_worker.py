"""One worker of a run on this machine, put together: its board, its slots and its loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_view import JobView
from kubemr_shell.board.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.command.orphans import GroupFile
from kubemr_shell.errors import JobNotFound, KubemrError, UsageError
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.job.validate import spec_from_mapping
from kubemr_shell.local_run.job_folder import JOB_NAME, JobFolder
from kubemr_shell.net.s3_requests import RequestMeter
from kubemr_shell.storage import ownership
from kubemr_shell.worker.attention import Attention
from kubemr_shell.worker.commands import Commands
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.job_files import scratch_of
from kubemr_shell.worker.loop import Loop
from kubemr_shell.worker.map_outputs import map_outputs_of
from kubemr_shell.worker.map_task import MapTasks
from kubemr_shell.worker.memory import MemoryPlan
from kubemr_shell.worker.meter import Meter
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.part import PartWriter
from kubemr_shell.worker.reduce_task import ReduceTasks
from kubemr_shell.worker.slots import Slots
from kubemr_shell.worker.splits import PlannedSplits
from kubemr_shell.worker.stages import Stages
from kubemr_shell.worker.tasks import SlotTasks


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWorkerOptions:
    """What a worker of a run is given."""

    worker: str
    """Its name; no other worker of the job ever has the same."""
    workers: int
    memory: MemoryPlan
    environment: Mapping[str, str]
    """What the user's commands inherit."""
    folder: str
    """Relative inputs are relative to this."""


class LocalWorker:
    """A worker from its start to its end: ``run`` once, ``close`` at last."""

    def __init__(self, job: JobFolder, options: LocalWorkerOptions) -> None:
        """The job's files are fetched here, which may take long; errors name those that cannot be."""
        self._resources = ExitStack()
        try:
            self._put_together(job, options)
        except BaseException as error:
            self.close()
            if isinstance(error, (KubemrError, OSError)) and not os.path.exists(job.board):
                raise JobNotFound(f"{job.board}: the board was removed; its job is over") from error
            raise

    def _put_together(self, job: JobFolder, options: LocalWorkerOptions) -> None:
        lock = ownership.hold(job.worker_file(options.worker, "lock"))
        if lock is None:
            raise UsageError(f"a worker called {options.worker} is at work already")
        self._resources.callback(lock.release)
        store = SqliteStore(job.board, create=False)
        self._resources.callback(store.close)
        timing = Timing.local()
        self.board = Board(
            store,
            JOB_NAME,
            options.worker,
            slots=options.memory.slots,
            agents=options.workers,
            timing=timing,
            clock=time.monotonic,
            random=Random(os.urandom(16)),
            is_dead=lambda worker: not ownership.is_held(job.worker_file(worker, "lock")),
            together=lambda phase: self._outputs.together() if phase is Phase.REDUCE else 1,
        )
        scratch = self._resources.enter_context(job.worker_scratch(options.worker))
        context = job_context(job, self.board.view(), options, scratch=scratch, maps=self._maps)
        attention, stopping = Attention(), Cancel()
        self._resources.callback(attention.close)
        self._resources.callback(stopping.close)
        stages = Stages(
            self.board,
            context,
            parallelism=options.memory.slots * options.workers,
            lease_seconds=timing.lease_seconds,
            cancel=stopping,
        )
        self._slots = Slots(self._runners(job, context, stages), attention.set)
        meter = Meter(job.worker_file(options.worker, "progress"), self._slots, time.monotonic)
        self._loop = Loop(
            self.board,
            stages,
            self._slots,
            meter,
            timing=timing,
            clock=time.monotonic,
            attention=attention,
            stopping=stopping,
        )

    def run(self) -> JobState | None:
        """The state in which the job ended, or None after ``stop``."""
        return self._loop.run()

    def stop(self) -> None:
        """Give everything back and return from ``run``, at once. Any thread, any signal handler."""
        self._loop.stop()

    def close(self) -> None:
        self._resources.close()

    def _maps(self) -> int | None:
        view = self.board.known
        return view.plan.tasks if view and view.plan else None

    def _plan_id(self) -> str:
        plan = self._known().plan
        assert plan is not None
        return plan.claim_id

    def _known(self) -> JobView:
        """The job as the board's last step saw it; slots read it while the loop goes on."""
        view = self.board.known
        assert view is not None
        return view

    def _runners(self, job: JobFolder, context: JobContext, stages: Stages) -> list[SlotTasks]:
        groups = GroupFile(job.worker_file(context.worker, "groups"))
        self._resources.callback(groups.close)
        scratch = scratch_of(context)
        self._outputs = map_outputs_of(context, lambda: self._slots.tasks(Phase.REDUCE))
        self._resources.callback(self._outputs.close)
        splits = PlannedSplits(context.workspace, self._plan_id)
        requests = RequestMeter()
        runners = []
        for slot in range(context.memory.slots):
            commands = Commands(context, scratch, groups.recorder(slot))
            parts = PartWriter(context, commands)
            maps = MapTasks(context, commands, parts, self._outputs, splits)
            reduces = ReduceTasks(context, parts, self._outputs, self._known)
            runners.append(SlotTasks(commands, maps, reduces, stages, requests))
        return runners


def job_context(
    job: JobFolder, view: JobView, options: LocalWorkerOptions, *, scratch: str, maps: Callable[[], int | None]
) -> JobContext:
    """The job as a worker of this machine sees it."""
    workspace = job.workspace(scratch, agents=options.workers)
    return JobContext(
        name=job.name,
        uid=job.uid,
        worker=options.worker,
        spec=spec_from_mapping(view.spec),
        workspace=workspace,
        memory=options.memory,
        environment=options.environment,
        folder=options.folder,
        old_result=OldResult(storage=workspace.output_storage, output=job.output, uid=job.uid, parts=job.old_parts()),
        maps=maps,
        stdin_copy=job.stdin_copy if os.path.exists(job.stdin_copy) else None,
    )
