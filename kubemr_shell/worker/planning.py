"""The planner of a job, and the preparation of a worker for the plan.

All decisions on the result are made once: the planner completes the spec, lists the inputs, pins the files, and records
them in the plan. A worker uses the spec of the plan, and checks that it has the same files.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias, TypeVar

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.steps import RoleClaim
from kubemr_shell.errors import (
    CommandNotStarted,
    Forbidden,
    InputError,
    InvalidSpec,
    LeaseLost,
    Sequel,
    StorageError,
    StorageUnavailable,
    UsageError,
)
from kubemr_shell.inputs.division import decompression_of, divided
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.job.fingerprint import kept_in_plan, plan_fingerprint
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.validate import spec_from_mapping, spec_to_mapping
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.refusals import Refusals
from kubemr_shell.waits.waiter import Cancelled, Waiter
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.job_files import JobFiles, files_of
from kubemr_shell.worker.lease import kept
from kubemr_shell.worker.splits import write_headers, write_splits

Result = TypeVar("Result")
"""The result of a function that is repeated."""

REASONS_NOT_TO_BEGIN = (
    UsageError,
    InvalidSpec,
    InputError,
    CommandNotStarted,
    StorageError,
    StorageUnavailable,
    Forbidden,
)
"""The errors of planning that another worker would meet too, so that the job fails."""

Complete: TypeAlias = Callable[[JobSpec], JobSpec]
"""A function that completes the spec of a user, so that nothing in it depends on the machine or the image."""
Context: TypeAlias = Callable[[JobView, JobSpec], JobContext]
"""A function that returns the context of this worker for the job on the board and the spec that applies."""


def as_it_is(spec: JobSpec) -> JobSpec:
    """Return the spec unchanged, for places where the spec on the board is already complete."""
    return spec


class Planner:
    """The planner of a job, which also prepares a worker for an existing plan.

    Soon after ``cancel`` is set, the planner gives its role back, and another worker begins again.
    """

    def __init__(
        self,
        board: Board,
        context: Context,
        complete: Complete,
        *,
        parallelism: int,
        lease_seconds: float,
        cancel: Flag,
        outages: Refusals,
    ) -> None:
        """Make a planner. ``outages`` decides how long to wait for a storage or a server that does not answer."""
        self._board = board
        self._context = context
        self._complete = complete
        self._parallelism = parallelism
        self._lease_seconds = lease_seconds
        self._cancel = cancel
        self._outages = outages
        self._files: tuple[tuple[str, ...], JobFiles] | None = None
        """The URIs of the files that are on this machine, and these files."""

    def plan(self, claim: RoleClaim) -> None:
        """List the inputs, fetch the files, and record the plan.

        Fail the job if it may not begin, an input or a file is missing, or a storage refuses a request, because another
        worker would meet the same error.
        """
        view = self._board.known
        try:
            with self._kept(claim):
                facts = self._patiently(lambda: self._planned(claim, view))
            self._board.record_plan(claim, facts)
        except REASONS_NOT_TO_BEGIN as error:
            self._board.fail_job({"kind": type(error).__name__, "reason": str(error), "exitCode": error.exit_code})
        except Cancelled:
            self._board.give_back(claim)

    def _planned(self, claim: RoleClaim, view: JobView) -> PlanFacts:
        job = self._context(view, self._complete(spec_from_mapping(view.spec)))
        if reason := job.refusal():
            raise UsageError(reason)
        listed = self._inputs(job)
        files = self._brought(job)
        division = divided(
            listed,
            job.spec,
            job.memory.limited(job.spec.split),
            files=files.paths,
            parallelism=self._parallelism,
            folder=job.folder,
            scratch=job.workspace.scratch,
            s3=job.workspace.s3,
            cancel_fd=self._cancel.fd,
        )
        write_headers(job.workspace, claim.id, division.headers)
        tasks = write_splits(job.workspace, claim.id, self._cancel.until_set(division.splits))
        mapping = spec_to_mapping(kept_in_plan(job.spec))
        return PlanFacts(
            claim_id=claim.id,
            tasks=tasks,
            partitions=job.partitions,
            spec=mapping,
            files=files.pins,
            fingerprint=plan_fingerprint(mapping, files.pins),
            input_bytes=sum(item.size or 0 for item in division.objects),
            notes=division.notes,
        )

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """Repeat the work while a storage or a server does not answer. Raise Cancelled if this worker is to stop."""
        while True:
            try:
                result = work()
            except StorageUnavailable as error:
                pause = self._outages.met(error)
            else:
                self._outages.passed()
                return result
            Waiter(self._cancel.fd).pause(pause)

    def prepared(self) -> tuple[JobContext, JobFiles]:
        """Return the job with the spec of its plan, and its files on this machine.

        The first worker of a retried job settles the plan: it completes the spec, and pins the new files. Raise
        FileChanged if a file differs from the planned one, and LeaseLost if the job was retried meanwhile.
        """
        view = self._settled(self._board.known)
        plan = view.plan
        if plan is None or not plan.is_settled:
            raise LeaseLost("the job was retried, and has other workers")
        if plan.fingerprint != plan_fingerprint(plan.spec, plan.files):
            raise StorageError("the plan of the job does not match its fingerprint", sequel=Sequel.BEGINS_ANEW)
        job = self._context(view, spec_from_mapping(plan.spec))
        files = self._patiently(lambda: self._brought(job))
        files.check(plan.files)
        return job, files

    def _settled(self, view: JobView) -> JobView:
        if view.plan is None or view.plan.is_settled:
            return view
        job = self._context(view, self._complete(spec_from_mapping(view.spec)))
        files = self._patiently(lambda: self._brought(job))
        files.check(view.plan.files)
        return self._board.settle(spec_to_mapping(job.spec), files.pins)

    def _brought(self, job: JobContext) -> JobFiles:
        """Return the files of the job. Fetch them if they are not on this machine yet."""
        uris = (*job.spec.files, "", *job.spec.archives)
        if self._files is None or self._files[0] != uris:
            self._files = (uris, files_of(job, self._cancel.fd))
        return self._files[1]

    def _inputs(self, job: JobContext) -> list[InputObject]:
        spec, stdin_copy = job.spec, job.stdin_copy
        return list_inputs(
            spec.inputs,
            inputs_from=spec.inputs_from,
            decompress=decompression_of(spec),
            folder=job.folder,
            stdin_copy=(lambda: stdin_copy) if stdin_copy else None,
            list_copy=job.list_copy,
            s3=job.workspace.s3,
            cancel_fd=self._cancel.fd,
        )

    def _kept(self, claim: RoleClaim) -> AbstractContextManager[None]:
        return kept(self._board, claim, every_seconds=self._lease_seconds)
