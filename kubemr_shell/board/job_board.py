"""The job's document as one worker reads and changes it. ``job_moves`` decides which changes are legal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubemr_shell.board import job_moves
from kubemr_shell.board.claim_expiry import ClaimExpiry
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import JobView, PlanFacts, Role, format_status, parse_job
from kubemr_shell.board.lane import Totals
from kubemr_shell.board.steps import Closing, RoleClaim, RoleName
from kubemr_shell.board.stores.documents import JOB_LABEL, Document, DocumentStore, Operation, in_order, is_older, newer
from kubemr_shell.board.stores.json_patch import replace as replace_operation
from kubemr_shell.board.stores.json_patch import test
from kubemr_shell.board.writer import Writer
from kubemr_shell.errors import DocumentNotFound, JobNotFound, LeaseLost
from kubemr_shell.job.counters import Counters
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
    """The document of one job for one worker.

    The uid protects against a newer job of the same name, made after this job was deleted.
    """

    def __init__(
        self, writer: Writer, expiry: ClaimExpiry, *, job: str, worker: str, workers: int, new_id: Callable[[], str]
    ) -> None:
        self._writer = writer
        self._expiry = expiry
        self._job = job
        self._worker = worker
        self._workers = workers
        self._new_id = new_id
        self._roles: dict[RoleName, str] = {}
        self._old_looks = 0
        """The number of cheap reads in a row that returned a state older than the known one."""
        self._known = self._read(fresh=True)
        """The newest document that this worker has seen."""
        self._uid = str(self._known["metadata"]["uid"])
        self.first_view = self._parse(self._known)
        """The job as it was when this worker began."""

    @property
    def uid(self) -> str:
        """Return the uid of the job."""
        return self._uid

    def is_over(self, view: JobView) -> bool:
        """Return whether the job leaves this worker nothing to do.

        The job has ended, or it was retried since this worker began and has workers that know the new spec.
        """
        return view.state in ENDED or view.retry != self.first_view.retry

    def view(self, *, fresh: bool) -> JobView:
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

    def take_role(self, name: RoleName) -> RoleClaim | None:
        """Claim a role if this worker holds it, or it is free, or its holder is dead. Return None otherwise."""
        sent = self._new_id()

        def decide(document: Document) -> Sequence[Operation]:
            view = self._parse(document)
            role = getattr(view, name)
            if not job_moves.role_is_open(view, name) or (role and role.id in (sent, self._roles.get(name))):
                return ()
            if role and not self._is_free(name, role):
                return ()
            taken = job_moves.take_role(view, name, Role(worker=self._worker, id=sent, beat=0))
            return job_patch(self._uid, view, taken, expired=name if role else None)

        view = self._parse(self._write(decide))
        role = getattr(view, name)
        if role is None or role.id not in (sent, self._roles.get(name)):
            return None
        self._roles[name] = role.id
        return RoleClaim(role=name, id=role.id, beat=role.beat)

    def renew_role(self, claim: RoleClaim) -> RoleClaim:
        """Raise the heartbeat of a role. Raise LeaseLost if another worker has the role now."""

        def decide(document: Document) -> Sequence[Operation]:
            role = getattr(self._parse(document), claim.role)
            if role is None or role.id != claim.id or role.beat != claim.beat:
                return ()
            path = f"/status/{claim.role}"
            tests = [test("/metadata/uid", self._uid), test(f"{path}/id", claim.id), test(f"{path}/hb", claim.beat)]
            return [*tests, replace_operation(f"{path}/hb", claim.beat + 1)]

        role = getattr(self._parse(self._write(decide)), claim.role)
        if role is None or role.id != claim.id:
            raise LeaseLost(f"{self._job}: another worker is its {claim.role} now")
        return RoleClaim(role=claim.role, id=claim.id, beat=role.beat)

    def give_back_role(self, claim: RoleClaim) -> None:
        """Release a role, unless another worker has taken it over."""
        self._as_holder(claim, lambda view: job_moves.take_role(view, claim.role, None))
        self._roles.pop(claim.role, None)

    def record_plan(self, claim: RoleClaim, facts: PlanFacts) -> JobView:
        """Record the plan as the planner. Raise LeaseLost if another worker is the planner now."""
        view = self._as_holder(claim, lambda view: job_moves.record_plan(view, facts, self._workers))
        if view.plan is None or view.plan.claim_id != facts.claim_id:
            raise LeaseLost(f"{self._job}: another worker is its planner now, so this plan is void")
        return view

    def settle(self, spec: Mapping[str, Any], files: Mapping[str, str]) -> JobView:
        """Settle the plan of a retried job, unless another worker was faster or the job is over for this worker."""
        return self.move(lambda view: view if self.is_over(view) else job_moves.settle(view, spec, files))

    def complete(self, claim: RoleClaim, results: Mapping[str, Any]) -> None:
        """Make the job COMPLETE as the finisher. Raise LeaseLost if another worker is the finisher now."""
        view = self._as_holder(claim, lambda view: job_moves.complete(view, results))
        if view.state is not JobState.COMPLETE:
            raise LeaseLost(f"{self._job}: another worker is its finisher now")

    def close(self, closing: Closing, counters: Counters, totals: Totals) -> JobView:
        """Close a shard, unless another worker was faster or the shard was reopened since. Return the job."""
        finisher = Role(worker=self._worker, id=self._new_id(), beat=0)
        phase, shard = closing.phase, closing.shard

        def move(view: JobView) -> JobView:
            is_stale = view.shard_epoch(phase, shard) != closing.epoch or shard in view.closed_shards(phase)
            if view.phase is not phase or is_stale:
                return view
            return job_moves.close(view, phase=phase, shard=shard, counters=counters, totals=totals, finisher=finisher)

        view = self.move(move)
        if view.finisher and view.finisher.id == finisher.id:
            self._roles["finisher"] = finisher.id
        return self.move(job_moves.catch_up) if job_moves.catch_up(view) != view else view

    def redo(self, first: Phase, spec: Mapping[str, Any]) -> None:
        """Start a phase and all later phases again, unless another process has done so since the job was read."""
        base = self.view(fresh=True).base(first)
        redo = job_moves.redo_maps if first is Phase.MAP else job_moves.redo_reduces
        self.move(lambda view: redo(view, spec) if view.base(first) == base else view)

    def retry(self, spec: Mapping[str, Any] | None) -> None:
        """Retry an ended job, unless another process has done so since the job was read."""
        retries = self.view(fresh=True).retry
        self.move(lambda view: job_moves.retry(view, spec) if view.retry == retries else view)

    def move(self, move: Move) -> JobView:
        """Change the job by ``move``, which is called again each time the job has changed meanwhile."""

        def decide(document: Document) -> Sequence[Operation]:
            view = self._parse(document)
            return job_patch(self._uid, view, move(view))

        return self._parse(self._write(decide))

    def _as_holder(self, claim: RoleClaim, move: Move) -> JobView:
        def decide(document: Document) -> Sequence[Operation]:
            view = self._parse(document)
            role = getattr(view, claim.role)
            if not job_moves.role_is_open(view, claim.role) or role is None or role.id != claim.id:
                return ()
            return job_patch(self._uid, view, move(view), holds=claim.role)

        return self._parse(self._write(decide))

    def _is_free(self, name: RoleName, role: Role) -> bool:
        """Return whether a role can be taken: its holder is dead, or has this worker's name but an unknown id."""
        if role.worker == self._worker:
            return role.id != self._roles.get(name)
        return self._expiry.is_expired(role.id, role.worker, role.beat)

    def _write(self, decide: Callable[[Document], Sequence[Operation]]) -> Document:
        try:
            self._known = in_order(self._writer.write(JOB_KIND, self._job, decide), self._known)
        except DocumentNotFound as error:
            raise self._gone() from error
        return self._known

    def _read(self, *, fresh: bool) -> Document:
        try:
            return self._writer.read(JOB_KIND, self._job, fresh=fresh)
        except DocumentNotFound as error:
            if fresh:
                raise self._gone() from error
            return self._read(fresh=True)  # a cheap read may not know a new job yet

    def _parse(self, document: Document) -> JobView:
        if document["metadata"]["uid"] != self._uid:
            raise self._gone()
        return parse_job(document)

    def _gone(self) -> JobNotFound:
        return JobNotFound(f"{self._job}: the board no longer has this job")
