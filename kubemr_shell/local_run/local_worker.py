"""A worker of a run on this machine. Its board is a file; a lock shows whether another worker is alive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import JobNotFound, KubemrError, UsageError
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import JobState
from kubemr_shell.job_folder.folder import JOB_NAME, JobFolder
from kubemr_shell.local_run.advice import run_advice
from kubemr_shell.storage import ownership
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.memory import MemoryPlan
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.pins import pin_by_times
from kubemr_shell.worker.worker import Worker, WorkerOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWorkerOptions:
    """The settings of one worker of a run."""

    worker: str
    """The worker's name. No other worker of the job ever has the same name."""
    workers: int
    """The number of workers of the run."""
    memory: MemoryPlan
    environment: Mapping[str, str]
    """The environment that the user's commands inherit."""
    folder: str
    """The folder to which relative inputs are relative."""


class LocalWorker:
    """A worker from its start to its end. Call ``run`` once, then ``close``."""

    def __init__(self, job: JobFolder, options: LocalWorkerOptions) -> None:
        """Raise JobNotFound if the job does not exist any more, and UsageError if the worker's name is in use."""
        self._resources = ExitStack()
        try:
            self._assemble(job, options)
        except BaseException as error:
            self.close()
            if isinstance(error, (KubemrError, OSError)) and not os.path.exists(job.board):
                raise JobNotFound(f"{job.board}: the board was removed; its job is over") from error
            raise

    def _assemble(self, job: JobFolder, options: LocalWorkerOptions) -> None:
        lock = ownership.hold(job.worker_file(options.worker, "lock"))
        if lock is None:
            raise UsageError(f"a worker called {options.worker} is at work already")
        self._resources.callback(lock.release)
        store = SqliteStore(job.board, create=False)
        self._resources.callback(store.close)
        scratch = self._resources.enter_context(job.worker_scratch(options.worker))
        self._worker = Worker(
            store,
            JOB_NAME,
            WorkerOptions(
                worker=options.worker,
                workers=options.workers,
                slots=options.memory.slots,
                timing=Timing.local(),
                is_dead=lambda worker: not ownership.is_held(job.worker_file(worker, "lock")),
                groups=job.worker_file(options.worker, "groups"),
                progress=job.worker_file(options.worker, "progress"),
                advice=run_advice(has_output=not job.is_for_stdout),
            ),
            lambda view, spec: job_context(job, view, spec, options, scratch=scratch),
        )
        self._resources.callback(self._worker.close)
        self.board = self._worker.board

    def run(self) -> JobState | None:
        """Work until the job has ended, and return its state. Return None after ``stop``."""
        return self._worker.run()

    def stop(self) -> None:
        """Give all claims back and make ``run`` return at once. Any thread and any signal handler may call this."""
        self._worker.stop()

    def close(self) -> None:
        """Release the lock, the board and the scratch folder."""
        self._resources.close()


def job_context(
    job: JobFolder, view: JobView, spec: JobSpec, options: LocalWorkerOptions, *, scratch: str
) -> JobContext:
    """Return the context in which a worker on this machine runs the job under ``spec``."""
    workspace = job.workspace(scratch, workers=options.workers)
    return JobContext(
        name=job.name,
        uid=job.uid,
        worker=options.worker,
        spec=spec,
        workspace=workspace,
        memory=options.memory,
        environment=options.environment,
        folder=options.folder,
        cpus=max(1, len(os.sched_getaffinity(0)) // (options.workers * options.memory.slots)),
        old_result=OldResult(storage=workspace.output_storage, output=job.output, uid=job.uid, parts=job.old_parts()),
        maps=view.plan.tasks if view.plan else None,
        pin=pin_by_times,
        stdin_copy=job.stdin_copy if os.path.exists(job.stdin_copy) else None,
        list_copy=(lambda: LocalStorage().read(job.list_copy)) if os.path.exists(job.list_copy) else None,
    )
