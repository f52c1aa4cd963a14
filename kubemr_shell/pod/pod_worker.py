"""The worker of a pod, from its start to its exit code."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from kubemr_shell.board.board import Board
from kubemr_shell.board.documents import DocumentStore
from kubemr_shell.board.job_view import JobView
from kubemr_shell.board.timing import LEASE_SECONDS, Timing
from kubemr_shell.command.echo import Echo
from kubemr_shell.errors import JobNotFound, KubemrError
from kubemr_shell.job import names
from kubemr_shell.job.derive import resolve
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import spec_from_mapping
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.pod.output_claim import OutputClaim
from kubemr_shell.pod.places import Places
from kubemr_shell.pod.secret import credentials_advice
from kubemr_shell.pod.ways import way_on
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.memory import MemoryPlan, divide_memory
from kubemr_shell.worker.old_result import OldResult
from kubemr_shell.worker.worker import Worker, WorkerOptions, print_nothing
from kubemr_shell.worker.workspace import Workspace

FOLDERS = ("logs", "attempts")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOptions:
    """What the operator tells a pod, and what the pod finds out about itself."""

    job: str
    """The job's name."""
    uid: str
    """The job's uid: a job of the same name that came later is not ours."""
    namespace: str
    """The job's."""
    worker: str
    """No other pod of the job ever has the same."""
    workers: int
    """Pods of the job."""
    number: int | None
    """Which of them it is, from 0: one that takes another's place has its number."""
    output: str
    """URI of the prefix for the parts."""
    s3_secret: str | None
    """The Secret with the credentials of its store."""
    slots: int
    memory_bytes: int
    scratch: str
    """A local folder for what is not needed when the pod is gone."""
    environment: Mapping[str, str]
    """What the user's commands inherit."""
    folder: str
    """Relative inputs and files are relative to this."""


class PodWorker:
    """``run`` once, ``close`` at last."""

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
        """``complete`` adds what the image brings to a spec: its commands and files. ``echo``: for commands' stderr.

        ``log`` is told what the worker waits for.
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
        self._asked = spec_from_mapping(self._found().spec)
        advice = credentials_advice(options.namespace, options.s3_secret)
        self._s3 = S3Config.of(self._asked.s3, agents=options.workers, advice=advice)
        self._memory = self._divided()
        self._worker = self._made()

    def run(self) -> JobState | None:
        """The state in which the job ended, or None after ``stop``."""
        state = self._worker.run()
        if state is JobState.COMPLETE and not self._asked.keep_tmp:
            self._remove_temporaries(self._worker.board)
        return state

    def stop(self) -> None:
        """Give everything back and return from ``run``, at once. Any thread, any signal handler."""
        self._worker.stop()

    def close(self) -> None:
        self._resources.close()

    def _found(self) -> JobView:
        """JobNotFound when it is gone."""
        options = self._options
        board = Board(
            self._store,
            options.job,
            options.worker,
            slots=1,
            agents=options.workers,
            timing=self._timing,
            clock=time.monotonic,
            random=random.Random(os.urandom(16)),
            log=self._log,
        )
        if board.uid != options.uid:
            raise JobNotFound(f"{options.job}: the job {options.uid} was deleted, and there is another one of its name")
        return board.known

    def _made(self) -> Worker:
        options = self._options
        worker = Worker(
            self._store,
            options.job,
            WorkerOptions(
                worker=options.worker,
                workers=options.workers,
                number=options.number,
                slots=self._memory.slots,
                timing=self._timing,
                is_dead=self._is_dead,
                groups=os.path.join(options.scratch, "groups"),
                progress=os.path.join(options.scratch, "progress"),
                log=self._log,
            ),
            self._context,
        )
        self._resources.callback(worker.close)
        return worker

    def _is_dead(self, worker: str) -> bool:
        """The operator sees pods end; what it has posted came with the job as it was read last."""
        return worker in self._worker.board.known.lost

    def _spec(self, view: JobView) -> JobSpec:
        """Every worker makes the same of what the user wrote, and nothing else of what the plan has recorded of that.

        A retry may have brought another command since, with a script of the image.
        """
        return resolve(self._complete(spec_from_mapping(view.spec)), slots=self._options.slots)

    def _divided(self) -> MemoryPlan:
        return divide_memory(
            self._options.memory_bytes, self._options.slots, s3=scheme_of(self._options.output) == "s3"
        )

    def _old_result(self, view: JobView) -> OldResult:
        """The one of the job's earlier reduces; nobody else's is ever replaced here."""
        old, storage = view.replaces, self._places.storage(self._s3)
        parts = None
        if old is not None:
            parts = tuple(names.part_name(index, old["compressOutput"]) for index in range(old["parts"]))
        return OldResult(storage=storage, output=self._options.output, uid=self._options.uid, parts=parts)

    def _context(self, view: JobView, maps: Callable[[], int | None]) -> JobContext:
        options, s3 = self._options, self._s3
        storage, old_result, spec = self._places.storage(s3), self._old_result(view), self._spec(view)
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
            way_on=way_on(options.job, options.namespace),
            old_result=old_result,
            refusal=refusal,
            maps=maps,
            echo=self._echo,
        )

    def _remove_temporaries(self, board: Board) -> None:
        """Doing it twice does no harm. What fails is done again when the job is deleted."""
        try:
            if not board.view().cleaned:
                self._places.remove(self._s3)
                board.cleaned()
        except KubemrError:
            return
