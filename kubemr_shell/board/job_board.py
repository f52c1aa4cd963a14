"""The job's document as one process reads and changes it. ``job_moves`` decides which changes are legal.

A process that does not work on the job needs only this module. ``job_roles`` adds the moves of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubemr_shell.board import job_moves
from kubemr_shell.board.failure_facts import bounded
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import JobView, format_status, parse_job
from kubemr_shell.board.stores.documents import JOB_LABEL, Document, DocumentStore, Operation, in_order, is_older, newer
from kubemr_shell.board.writer import Writer
from kubemr_shell.errors import DocumentNotFound, JobNotFound
from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.job.state import ENDED, JobState, Phase

Move = Callable[[JobView], JobView]
"""A change of a job, from the present view to the wanted one."""

MOST_OLD_LOOKS = 20
"""The number of cheap reads in a row that may return an old state.

After this number, a fresh read shows whether the cheap reads are only late, or the store was set back.
"""


def create_job(store: DocumentStore, *, name: str, uid: str, spec: Mapping[str, Any]) -> None:
    """Create the document of a job, in the state PENDING."""
    status = format_status(JobView(state=JobState.PENDING, spec=spec))
    metadata = {"name": name, "uid": uid, "labels": {JOB_LABEL: name}}
    store.create({"kind": JOB_KIND, "metadata": metadata, "spec": dict(spec), "status": status})


class JobBoard:
    """The document of one job for one process.

    The uid protects against a newer job of the same name, made after this job was deleted.
    """

    def __init__(self, writer: Writer, job: str) -> None:
        self._writer = writer
        self.job = job
        """The name of the job."""
        self._old_looks = 0
        """The number of cheap reads in a row that returned a state older than the known one."""
        self._known = self._read(fresh=True)
        """The newest document that this process has seen."""
        self._uid = str(self._known["metadata"]["uid"])
        self.first_view = self._parse(self._known)
        """The job as it was when this process began."""

    @property
    def uid(self) -> str:
        """Return the uid of the job."""
        return self._uid

    def is_over(self, view: JobView) -> bool:
        """Return whether the job leaves nothing to do for a worker of this process.

        The job has ended, or it was retried since this process began and has workers that know the new spec.
        """
        return view.state in ENDED or view.retry != self.first_view.retry

    def view(self, *, fresh: bool = True) -> JobView:
        """Read the job. With ``fresh=False``, the read is cheap, and never returns less than is known already."""
        read = self._read(fresh=fresh)
        self._old_looks = self._old_looks + 1 if is_older(read, self._known) else 0
        if self._old_looks > MOST_OLD_LOOKS:
            read, fresh = self._read(fresh=True), True
        if fresh and read["metadata"]["uid"] == self._uid:
            in_order(read, self._known)
        self._known = newer(read, self._known)
        return self._parse(self._known)

    @property
    def seen(self) -> JobView:
        """Return the job as it was read last, without a request."""
        return self._parse(self._known)

    def deploy(self) -> None:
        """Take both steps from PENDING to DEPLOYED, or the steps that no other worker has taken."""
        self.move(job_moves.deploy)
        self.move(job_moves.deploy)

    def settle(self, spec: Mapping[str, Any], files: Mapping[str, str]) -> JobView:
        """Settle the plan of a retried job, unless another worker was faster or the job is over for this worker."""
        return self.move(lambda view: view if self.is_over(view) else job_moves.settle(view, spec, files))

    def redo_reduces(self, spec: Mapping[str, Any]) -> None:
        """Keep the maps and repeat the rest under this spec. Raise IllegalTransition if the job publishes."""
        self._redo(Phase.REDUCE, spec)

    def redo_maps(self, spec: Mapping[str, Any]) -> None:
        """Keep the plan and repeat every task. Raise IllegalTransition if the job publishes."""
        self._redo(Phase.MAP, spec)

    def retry(self, spec: Mapping[str, Any] | None = None) -> None:
        """Continue a job in FAIL or CANCELLED with its uncommitted tasks. ``spec`` replaces the resolved spec.

        If another process has retried the job since this process read it, do nothing.
        """
        retries = self.view(fresh=True).retry
        self.move(lambda view: job_moves.retry(view, spec) if view.retry == retries else view)

    def cancel(self) -> None:
        """Cancel the job. Raise IllegalTransition if the job has ended or publishes its results."""
        self.move(job_moves.cancel)

    def fail(self, failure: Mapping[str, object]) -> None:
        """Fail the job. A job that has ended, or was retried since this process began, stays unchanged.

        Raise IllegalTransition if the job has begun to publish its results.
        """
        facts = bounded(failure)
        self.move(lambda view: view if self.is_over(view) else job_moves.fail(view, facts))

    def cleaned(self) -> None:
        """Record that the temporaries of an ended job are removed."""
        self.move(job_moves.cleaned)

    def move(self, move: Move) -> JobView:
        """Change the job by ``move``, which is called again each time the job has changed meanwhile."""
        return self.change(lambda view: job_patch(self._uid, view, move(view)))

    def change(self, decide: Callable[[JobView], Sequence[Operation]]) -> JobView:
        """Patch the job by ``decide``, which is called again each time the job has changed meanwhile."""
        return self._parse(self._write(lambda document: decide(self._parse(document))))

    def _redo(self, first: Phase, spec: Mapping[str, Any]) -> None:
        """Start a phase and all later phases again, unless another process has done so since the job was read."""
        base = self.view(fresh=True).base(first)
        redo = job_moves.redo_maps if first is Phase.MAP else job_moves.redo_reduces
        self.move(lambda view: redo(view, spec) if view.base(first) == base else view)

    def _write(self, decide: Callable[[Document], Sequence[Operation]]) -> Document:
        try:
            self._known = in_order(self._writer.write(JOB_KIND, self.job, decide), self._known)
        except DocumentNotFound as error:
            raise self._gone() from error
        return self._known

    def _read(self, *, fresh: bool) -> Document:
        try:
            return self._writer.read(JOB_KIND, self.job, fresh=fresh)
        except DocumentNotFound as error:
            if fresh:
                raise self._gone() from error
            return self._read(fresh=True)  # a cheap read may not know a new job yet

    def _parse(self, document: Document) -> JobView:
        if document["metadata"]["uid"] != self._uid:
            raise self._gone()
        return parse_job(document)

    def _gone(self) -> JobNotFound:
        return JobNotFound(f"{self.job}: the board no longer has this job")
