"""The worker of a pod, from its start to its exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.owner import owner_board
from kubemr_shell.board.stores.documents import DocumentStore
from kubemr_shell.board.timing import LEASE_SECONDS, Timing
from kubemr_shell.board.wait_reports import WaitReports
from kubemr_shell.command.echo import Echo
from kubemr_shell.errors import JobNotFound, KubemrError
from kubemr_shell.job import names
from kubemr_shell.job.derive import resolve
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import spec_from_mapping
from kubemr_shell.net.s3_client import client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.pod.advice import pod_advice
from kubemr_shell.pod.limits import cpus
from kubemr_shell.pod.output_claim import OutputClaim
from kubemr_shell.pod.places import Places
from kubemr_shell.pod.secret import credentials_advice
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.memory import MemoryPlan, divide_memory
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.pins import pin_by_content
from kubemr_shell.worker.worker import Worker, WorkerOptions, print_nothing
from kubemr_shell.worker.workspace import Workspace

FOLDERS = ("logs", "attempts")
"""The folders that a worker makes in its scratch folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOptions:
    """The settings of the worker of a pod, from the operator and from the pod itself."""

    job: str
    """The job's name."""
    uid: str
    """The job's uid. A later job of the same name has another uid, and this worker does not work on it."""
    namespace: str
    """The job's namespace."""
    worker: str
    """The worker's name. No other pod of the job ever has the same name."""
    workers: int
    """The number of pods of the job."""
    number: int | None
    """The number of the pod among the pods of the job, from 0. A pod that replaces another one has its number."""
    output: str
    """The URI of the prefix for the parts."""
    s3_secret: str | None
    """The name of the Secret with the credentials of the job's object store."""
    s3_keys: str | None
    """The folder with the files of that Secret. The files change when the Secret does."""
    slots: int
    memory_bytes: int
    scratch: str
    """The local folder for files that are not needed after the end of the pod."""
    environment: Mapping[str, str]
    """The environment that the user's commands inherit."""
    folder: str
    """The folder to which relative inputs and files are relative."""


class PodWorker:
    """A worker of a pod. Call ``run`` once, then ``close``."""

    def __init__(
        self,
        store: DocumentStore,
        options: PodOptions,
        *,
        complete: Callable[[JobSpec], JobSpec],
        echo: Echo | None = None,
        log: Callable[[str], object] = print_nothing,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """Read the job. Raise JobNotFound if the job is gone or another job has its name.

        ``complete`` adds the commands and files of the image to a spec. ``echo`` receives the stderr of commands.
        ``log`` receives messages that say what the worker waits for.
        """
        self._options = options
        self._complete = complete
        self._echo = echo
        self._log = log
        self._places = Places(output=options.output, uid=options.uid)
        self._timing = Timing.cluster(options.workers, lease_seconds=lease_seconds)
        self._store = store
        self._resources = ExitStack()
        for folder in FOLDERS:
            os.makedirs(os.path.join(options.scratch, folder), exist_ok=True)
        # The argument is as old as the batch Job. Since then, the replicas of the job may have been raised.
        self._workers = max(options.workers, self._checked_job().replicas)
        self._timing = Timing.cluster(self._workers, lease_seconds=lease_seconds)
        self._memory = self._divided()
        self._worker = self._made()

    def run(self) -> JobState | None:
        """Work until the job has ended, and return its state. Return None after ``stop``."""
        state = self._worker.run()
        if state is JobState.COMPLETE:
            self._remove_temporaries(self._worker.board)
        return state

    def stop(self) -> None:
        """Give all claims back and make ``run`` return at once. Any thread and any signal handler may call this."""
        self._worker.stop()

    def close(self) -> None:
        """Release the resources of the worker."""
        self._resources.close()

    def _checked_job(self) -> JobView:
        """Return the job. Raise JobNotFound if the job is gone or another job has its name."""
        options = self._options
        waits = WaitReports(self._store, options.job, options.worker, self._log)
        board = owner_board(self._store, options.job, timing=self._timing, tell=waits.tell)
        if board.uid != options.uid:
            raise JobNotFound(f"{options.job}: the job {options.uid} was deleted, and there is another one of its name")
        return board.first_view

    def _made(self) -> Worker:
        options = self._options
        worker = Worker(
            self._store,
            options.job,
            WorkerOptions(
                worker=options.worker,
                workers=self._workers,
                number=options.number,
                slots=self._memory.slots,
                timing=self._timing,
                is_dead=self._is_dead,
                groups=os.path.join(options.scratch, "groups"),
                progress=os.path.join(options.scratch, "progress"),
                log=self._log,
                advice=pod_advice(options.job, options.namespace),
            ),
            self._context,
            self._completed,
        )
        self._resources.callback(worker.close)
        return worker

    def _is_dead(self, worker: str) -> bool:
        """Return whether the operator has posted the end of a worker's pod, in the job as this worker last read it."""
        return worker in self._worker.board.known.lost

    def _completed(self, spec: JobSpec) -> JobSpec:
        return resolve(self._complete(spec), slots=self._options.slots)

    def _s3(self, spec: JobSpec) -> S3Config:
        options = self._options
        return S3Config.of(
            spec.s3,
            workers=self._workers,
            advice=credentials_advice(options.namespace, options.s3_secret),
            keys=options.s3_keys,
            refused_seconds=self._timing.refused_seconds,
        )

    def _divided(self) -> MemoryPlan:
        return divide_memory(
            self._options.memory_bytes, self._options.slots, s3=scheme_of(self._options.output) == "s3"
        )

    def _old_result(self, view: JobView, storage: Storage) -> OldResult:
        """Return the result of the job's earlier reduces. No result of another job is ever replaced in a cluster."""
        old, parts = view.replaces, None
        if old is not None:
            parts = tuple(names.part_name(index, old["compressOutput"]) for index in range(old["parts"]))
        return OldResult(storage=storage, output=self._options.output, uid=self._options.uid, parts=parts)

    def _context(self, view: JobView, spec: JobSpec) -> JobContext:
        options, s3 = self._options, self._s3(spec)
        client = client_for(s3)
        client.tell = self._worker.board.tell
        client.has_worked |= view.plan is not None  # the plan is in the store, so the store has worked before
        storage = self._places.storage(s3)
        old_result = self._old_result(view, storage)
        claim = OutputClaim(storage=storage, places=self._places, job=options.job, old_result=old_result)

        def refusal() -> str | None:
            if spec.map_command is None:
                return "the job has no mapCommand: write one, or use an image that sets KUBEMR_MAP_COMMAND"
            return claim.refusal()

        return JobContext(
            name=options.job,
            uid=options.uid,
            worker=options.worker,
            spec=spec,
            workspace=Workspace(
                storage=storage,
                temporaries=self._places.temporaries,
                scratch=os.path.join(options.scratch, "attempts"),
                logs=os.path.join(options.scratch, "logs"),
                output_storage=storage,
                output=options.output,
                stage=self._places.stage,
                s3=s3,
            ),
            memory=self._memory,
            environment=options.environment,
            folder=options.folder,
            cpus=max(1, cpus() // self._memory.slots),
            old_result=old_result,
            refusal=refusal,
            maps=view.plan.tasks if view.plan else None,
            pin=pin_by_content,
            echo=self._echo,
        )

    def _remove_temporaries(self, board: Board) -> None:
        """Remove the temporaries unless ``keepTmp`` is set. Several workers may do this.

        Ignore errors: the temporaries are removed again when the job is deleted.
        """
        try:
            view = board.view()
            spec = spec_from_mapping(view.spec)
            if not view.cleaned and not spec.keep_tmp:
                self._places.remove(self._s3(spec))
                board.cleaned()
        except KubemrError:
            return
