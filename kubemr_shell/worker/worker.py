"""A worker with its board, its slots and its loop. The callers decide where the worker and its job are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.stores.documents import DocumentStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.command.open_files import raise_limit
from kubemr_shell.command.orphans import GroupFile
from kubemr_shell.command.scratch import Scratch
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.net.s3_requests import RequestMeter
from kubemr_shell.shuffle.map_outputs import MapOutputs
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.refusals import Refusals
from kubemr_shell.worker.advice import Advice
from kubemr_shell.worker.close_shard import ShardCloser
from kubemr_shell.worker.commands import Commands
from kubemr_shell.worker.finish_job import JobFinisher
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.loop import Loop, Prepared
from kubemr_shell.worker.map_outputs import map_outputs_of
from kubemr_shell.worker.map_task import MapTasks
from kubemr_shell.worker.meter import Meter
from kubemr_shell.worker.part import PartWriter
from kubemr_shell.worker.planning import Complete, Context, Planner, as_it_is
from kubemr_shell.worker.publish_task import PublishTasks
from kubemr_shell.worker.reduce_task import ReduceTasks
from kubemr_shell.worker.slot_tasks import SlotTasks
from kubemr_shell.worker.slots import Slots
from kubemr_shell.worker.splits import PlannedSplits


def print_nothing(text: str) -> None:
    """Drop the text: the default of ``WorkerOptions.log``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """The options of one worker of a job."""

    worker: str
    """The name of the worker. No other worker of the job ever has the same name."""
    workers: int
    """The number of workers of the job."""
    number: int | None = None
    """The number of this worker among them, from 0, if known."""
    slots: int
    """The number of slots of the worker."""
    timing: Timing
    """The times of the board's protocol."""
    is_dead: Callable[[str], bool]
    """Returns whether a worker, given by name, is known from outside the board to be dead."""
    groups: str
    """The path of the file for the process groups of the commands."""
    progress: str
    """The path of the file for the progress report."""
    advice: Advice
    """The advice in the messages of errors after which the job can continue."""
    log: Callable[[str], object] = print_nothing
    """Receives the reason why the worker waits."""


class Worker:
    """A worker from its start to its end. Call ``run`` once, and ``close`` last."""

    def __init__(
        self, store: DocumentStore, job: str, options: WorkerOptions, context: Context, complete: Complete = as_it_is
    ) -> None:
        """Make a worker.

        ``job``: the name of the job on the board.
        ``context``: returns the context of this worker for the job and a spec.
        ``complete``: completes the spec of a user, so that it is the same for every worker.
        """
        self._options = options
        self._attention, self._stopping = Flag(), Flag()
        self._resources = ExitStack()
        self._resources.callback(self._attention.close)
        self._resources.callback(self._stopping.close)
        try:
            self._put_together(store, job, context, complete)
        except BaseException:
            self.close()
            raise

    def _put_together(self, store: DocumentStore, job: str, context: Context, complete: Complete) -> None:
        options = self._options
        self.board = Board(
            store,
            job,
            options.worker,
            slots=options.slots,
            workers=options.workers,
            timing=options.timing,
            clock=time.monotonic,
            random=Random(os.urandom(16)),
            number=options.number,
            is_dead=options.is_dead,
            log=options.log,
        )
        self._planner = Planner(
            self.board,
            context,
            complete,
            parallelism=options.slots * options.workers,
            lease_seconds=options.timing.lease_seconds,
            cancel=self._stopping,
            outages=Refusals(
                budget_seconds=options.timing.refused_seconds,
                clock=time.monotonic,
                random=Random(os.urandom(16)),
                tell=self.board.tell,
            ),
        )
        self._slots = Slots(options.slots, self._attention.set)
        self._loop = Loop(
            self.board,
            self._planner,
            self._prepare,
            self._slots,
            Meter(options.progress, self._slots, time.monotonic),
            timing=options.timing,
            clock=time.monotonic,
            attention=self._attention,
            stopping=self._stopping,
        )

    def run(self) -> JobState | None:
        """Work on the job. Return the state in which the job ended, or None after ``stop``."""
        with self._options.advice.added_to_errors():
            return self._loop.run()

    def stop(self) -> None:
        """Make ``run`` give back all claims and return soon. Any thread or signal handler may call this method."""
        self._loop.stop()

    def close(self) -> None:
        """Release all resources."""
        self._resources.close()

    def _prepare(self) -> Prepared:
        """Fetch the files of the job, which may take long, start the slots, and return the parts for the plan."""
        job, files = self._planner.prepared()
        outputs = map_outputs_of(job, lambda: self._slots.tasks(Phase.REDUCE))
        self._resources.callback(outputs.close)
        self.board.claim_together(Phase.REDUCE, outputs.together())
        self._slots.start(self._runners(job, files.scratch, outputs))
        lease_seconds = self._options.timing.lease_seconds
        return Prepared(
            shards=ShardCloser(self.board, job),
            finisher=JobFinisher(self.board, job, lease_seconds=lease_seconds, cancel=self._stopping),
            max_attempts=job.spec.max_attempts,
        )

    def _plan_id(self) -> str:
        plan = self._known().plan
        assert plan is not None
        return plan.claim_id

    def _known(self) -> JobView:
        """Return the job as the last step of the board saw it. Slots call this method while the loop continues."""
        return self.board.known

    def _runners(self, job: JobContext, scratch: Scratch, outputs: MapOutputs) -> list[SlotTasks]:
        raise_limit(self._options.slots)
        groups = GroupFile(self._options.groups)
        self._resources.callback(groups.close)
        splits = PlannedSplits(job.workspace, self._plan_id)
        requests = RequestMeter()
        runners = []
        for slot in range(job.memory.slots):
            commands = Commands(job, scratch, groups.recorder(slot))
            parts = PartWriter(job, commands)
            maps = MapTasks(job, commands, parts, outputs, splits)
            reduces = ReduceTasks(job, parts, outputs, self._known)
            publishes = PublishTasks(job, self._known)
            runners.append(SlotTasks(commands, maps, reduces, publishes, requests, scratch=job.workspace.scratch))
        return runners
