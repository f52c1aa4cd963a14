"""The changes that one worker makes to a job in its roles: it plans, closes shards and finishes.

``job_moves`` says which changes are legal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubemr_shell.board import job_moves
from kubemr_shell.board.claim_expiry import ClaimExpiry
from kubemr_shell.board.job_board import JobBoard, Move
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import JobView, PlanFacts, Role
from kubemr_shell.board.lane import Totals
from kubemr_shell.board.steps import Closing, RoleClaim, RoleName
from kubemr_shell.board.stores.documents import Operation
from kubemr_shell.board.stores.json_patch import replace as replace_operation
from kubemr_shell.board.stores.json_patch import test
from kubemr_shell.errors import LeaseLost
from kubemr_shell.job.counters import Counters
from kubemr_shell.job.state import JobState


class JobRoles:
    """The roles that one worker has in a job: none, planner or finisher."""

    def __init__(
        self, board: JobBoard, expiry: ClaimExpiry, *, worker: str, workers: int, new_id: Callable[[], str]
    ) -> None:
        self._board = board
        self._expiry = expiry
        self._worker = worker
        self._workers = workers
        self._new_id = new_id
        self._roles: dict[RoleName, str] = {}

    def take(self, name: RoleName) -> RoleClaim | None:
        """Claim a role that the job needs now, if this worker holds it, or it is free, or its holder is dead.

        Return None otherwise.
        """
        sent = self._new_id()

        def decide(view: JobView) -> Sequence[Operation]:
            role = getattr(view, name)
            if not job_moves.role_is_open(view, name) or (role and role.id in (sent, self._roles.get(name))):
                return ()
            if role and not self._is_free(name, role):
                return ()
            taken = job_moves.take_role(view, name, Role(worker=self._worker, id=sent, beat=0))
            return job_patch(self._board.uid, view, taken, expired=name if role else None)

        view = self._board.change(decide)
        role = getattr(view, name)
        if role is None or role.id not in (sent, self._roles.get(name)):
            return None
        self._roles[name] = role.id
        return RoleClaim(role=name, id=role.id, beat=role.beat)

    def renew(self, claim: RoleClaim) -> RoleClaim:
        """Raise the heartbeat of a role. Raise LeaseLost if another worker has the role now."""

        def decide(view: JobView) -> Sequence[Operation]:
            role = getattr(view, claim.role)
            if role is None or role.id != claim.id or role.beat != claim.beat:
                return ()
            path = f"/status/{claim.role}"
            tests = [
                test("/metadata/uid", self._board.uid),
                test(f"{path}/id", claim.id),
                test(f"{path}/hb", claim.beat),
            ]
            return [*tests, replace_operation(f"{path}/hb", claim.beat + 1)]

        role = getattr(self._board.change(decide), claim.role)
        if role is None or role.id != claim.id:
            raise LeaseLost(f"{self._board.job}: another worker is its {claim.role} now")
        return RoleClaim(role=claim.role, id=claim.id, beat=role.beat)

    def give_back(self, claim: RoleClaim) -> None:
        """Release a role, unless another worker has taken it over."""
        self._as_holder(claim, lambda view: job_moves.take_role(view, claim.role, None))
        self._roles.pop(claim.role, None)

    def record_plan(self, claim: RoleClaim, facts: PlanFacts) -> JobView:
        """Record the plan as the planner. Raise LeaseLost if another worker is the planner now."""
        view = self._as_holder(claim, lambda view: job_moves.record_plan(view, facts, self._workers))
        if view.plan is None or view.plan.claim_id != facts.claim_id:
            raise LeaseLost(f"{self._board.job}: another worker is its planner now, so this plan is void")
        return view

    def complete(self, claim: RoleClaim, results: Mapping[str, Any]) -> None:
        """Make the job COMPLETE as the finisher. Raise LeaseLost if another worker is the finisher now."""
        view = self._as_holder(claim, lambda view: job_moves.complete(view, results))
        if view.state is not JobState.COMPLETE:
            raise LeaseLost(f"{self._board.job}: another worker is its finisher now")

    def close(self, closing: Closing, counters: Counters, totals: Totals) -> JobView:
        """Close a shard, unless another worker was faster or the shard was reopened since. Return the job."""
        finisher = Role(worker=self._worker, id=self._new_id(), beat=0)
        phase, shard = closing.phase, closing.shard

        def move(view: JobView) -> JobView:
            is_stale = view.shard_epoch(phase, shard) != closing.epoch or shard in view.closed_shards(phase)
            if view.phase is not phase or is_stale:
                return view
            return job_moves.close(view, phase=phase, shard=shard, counters=counters, totals=totals, finisher=finisher)

        view = self._board.move(move)
        if view.finisher and view.finisher.id == finisher.id:
            self._roles["finisher"] = finisher.id
        return self._board.move(job_moves.catch_up) if job_moves.catch_up(view) != view else view

    def _as_holder(self, claim: RoleClaim, move: Move) -> JobView:
        def decide(view: JobView) -> Sequence[Operation]:
            role = getattr(view, claim.role)
            if not job_moves.role_is_open(view, claim.role) or role is None or role.id != claim.id:
                return ()
            return job_patch(self._board.uid, view, move(view), holds=claim.role)

        return self._board.change(decide)

    def _is_free(self, name: RoleName, role: Role) -> bool:
        """Return whether a role can be taken: its holder is dead, or was an earlier process with this worker's name."""
        if role.worker == self._worker:
            return role.id != self._roles.get(name)
        return self._expiry.is_expired(role.id, role.worker, role.beat)
