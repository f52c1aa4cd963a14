"""The shards as one worker reads and changes them: claim, commit, fail, give back, renew, take over, steal.

``shard_moves`` decides which changes are legal, and ``shard_patch`` decides what a patch tests; this module talks to
the store. The first claim in a shard makes the document, with the claim inside. If the answer to a write is lost, the
document shows whether the write landed: it has an id that was sent, or an attempt has won. No attempt number is reused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from kubemr_shell.board import shard_moves
from kubemr_shell.board.claim_expiry import ClaimExpiry
from kubemr_shell.board.claim_size import claim_size, smoothed
from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_patch import shard_patch
from kubemr_shell.board.shard_state import ATTEMPTS_AN_EPOCH, ShardState, format_state, parse_state
from kubemr_shell.board.steps import Attempt, Claim, ShardKey
from kubemr_shell.board.stores.documents import JOB_LABEL, Document, Operation, in_order, newer
from kubemr_shell.board.stores.json_patch import replace as replace_operation
from kubemr_shell.board.stores.json_patch import test
from kubemr_shell.board.timing import Timing
from kubemr_shell.board.writer import Writer
from kubemr_shell.errors import AlreadyExists, BoardUnavailable, DocumentNotFound, Forbidden, LeaseLost
from kubemr_shell.job.kinds import SHARD_KIND
from kubemr_shell.job.names import shard_name
from kubemr_shell.job.spec import MAX_ATTEMPTS
from kubemr_shell.job.state import Phase

MOST_REMEMBERED = 16
"""The number of shards in which a worker holds no claim and whose last documents it still remembers."""
LOSSES_AN_ATTEMPT = 3
"""The factor between the losses of workers that a task may have and the failures that its command may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The result of one read of a shard: a claim, or the state in which there was nothing to claim."""

    state: ShardState
    claim: Claim | None
    refusal: Forbidden | None = None
    """The error that kept this worker from creating the document of a shard without claims."""


class ShardBoard:
    """The shards of a job as one worker reads and changes them. The worker holds at most one claim in each shard.

    ``new_id`` returns a unique id for each new claim.
    """

    def __init__(
        self,
        writer: Writer,
        expiry: ClaimExpiry,
        *,
        job: str,
        uid: str,
        worker: str,
        slots: int,
        workers: int,
        timing: Timing,
        new_id: Callable[[], str],
    ) -> None:
        self._writer = writer
        self._expiry = expiry
        self._job = job
        self._uid = uid
        self._worker = worker
        self._slots = slots
        self._workers = workers
        self._timing = timing
        self._new_id = new_id
        self._together: dict[Phase, int] = {}
        """The number of tasks of each phase that this worker claims at once. A phase without an entry has 1."""
        self._held: dict[ShardKey, Claim] = {}
        self._documents: dict[ShardKey, Document] = {}
        """The last known documents of shards with a claim of this worker and, if there are others, of some more."""
        self._covered: set[ShardKey] = set()
        self._shards: dict[Phase, int] = {}
        """The number of shards of each phase."""

    def claim_together(self, phase: Phase, tasks: int) -> None:
        """Claim ``tasks`` or so tasks of a phase at once: together they cost this worker hardly more than one."""
        self._together[phase] = tasks

    def look(self, view: JobView, key: ShardKey, *, stealing: bool = False) -> Look:
        """Claim available tasks and tasks of dead workers; with ``stealing``, also unstarted tasks of other workers."""
        sent: list[str] = []
        self._shards[key.phase] = view.layout(key.phase).shards
        held = self._held.get(key)
        held_id = held.id if held else ""

        def decide(document: Document) -> Sequence[Operation]:
            state = self._parse(document)
            if _first_in(sent, state.claims):
                return ()
            settled = shard_moves.settle(
                state, view.orders(key.phase, key.shard), retry=view.retry, may_fail=not view.publishing
            )
            freed, expired = self._without_expired(view, key, settled, held_id)
            is_free = self._is_free_but_for(key)
            if stealing and not shard_moves.has_offer(freed, held_id, is_free=is_free):
                freed = shard_moves.steal(freed, self._worker, least_seconds=self._timing.steal_seconds)
            if shard_moves.has_offer(freed, held_id, is_free=is_free):
                sent.append(self._new_id())
                freed = self._hand_out(key, freed, self._size(key.phase, freed), held_id, sent[-1])
            return shard_patch(document["metadata"]["uid"], state, freed, expired=expired)

        document = self._read(key)
        if document is None:
            try:
                document = self._create(view, key, sent)
            except Forbidden as refusal:
                return Look(state=self._empty(view, key), claim=None, refusal=refusal)
        state = self._write(key, decide, known=document)
        claim_id = _first_in(sent, state.claims)
        if claim_id:
            return Look(state=state, claim=self._goes_on(key, claim_id, state))
        if held is None:
            self._forget(key)
        return Look(state=state, claim=None)

    def state(self, key: ShardKey) -> ShardState | None:
        """Read the state of a shard afresh. Return None if no task of the shard was ever claimed."""
        try:
            return self._parse(self._writer.read(SHARD_KIND, self._name(key), fresh=True))
        except DocumentNotFound:
            return None

    @property
    def runs_suspect(self) -> bool:
        """Return whether this worker holds a suspect, which has to run alone, and so may take no other task."""
        return any(parse_state(self._documents[key]).suspects & _held_of(claim) for key, claim in self._held.items())

    def covered_here(self, phase: Phase, epoch: int, closed: Ranges) -> list[ShardKey]:
        """Return the open shards of a phase whose last commit this worker has made, ordered by number."""
        self._covered = {key for key in self._covered if key.phase is phase and key.epoch == epoch}
        self._covered -= {key for key in self._covered if key.shard in closed}
        return sorted(self._covered, key=lambda key: key.shard)

    def was_covered_here(self, key: ShardKey) -> bool:
        """Return whether this worker has made the last commit of the shard."""
        return key in self._covered

    def commit(self, claim: Claim, done: Collection[Attempt], *, more: bool, task_seconds: float | None) -> Claim:
        """Commit the attempts and, with ``more``, claim more tasks of the shard, all in one write."""

        def move(state: ShardState, new_id: str) -> ShardState:
            record = state.claims[claim.id]
            tasks = Ranges.of(a.task - claim.first for a in done if _is_held(state, record.tasks, a, claim.first))
            task_us = smoothed(state.task_us, task_seconds)
            state = shard_moves.commit(state, claim_id=claim.id, tasks=tasks, task_us=task_us)
            wanted = self._size(claim.phase, state) - len(record.tasks - tasks) if more else 0
            return self._hand_out(claim.key, state, max(0, wanted), claim.id, new_id)

        key = claim.key
        state, claim_id = self._write_as_holder(claim, move)
        if claim_id is None and not any(state.has_won(a.task - claim.first, a.attempt) for a in done):
            self._forget(key)
            raise LeaseLost(f"{self._name(key)}: the claim {claim.id} was taken over; its attempts no longer count")
        if state.is_covered:
            self._covered.add(key)
        return self._goes_on(key, claim_id, state)

    def fail(
        self, view: JobView, claim: Claim, attempt: Attempt, facts: Mapping[str, object]
    ) -> tuple[ShardState, Claim]:
        """Count a failed attempt. Its task becomes available again, or fails for good."""
        task = attempt.task - claim.first

        def move(state: ShardState, new_id: str) -> ShardState:
            if _is_held(state, state.claims[claim.id].tasks, attempt, claim.first):
                state = shard_moves.fail(state, task=task, limit=max_attempts(view), facts=facts)
            return self._hand_out(claim.key, state, 0, claim.id, new_id)

        state, claim_id = self._write_as_holder(claim, move)
        if claim_id is None and len(claim.attempts) > 1:
            self._forget(claim.key)
            raise LeaseLost(f"{self._name(claim.key)}: the claim {claim.id} was taken over")
        return state, self._goes_on(claim.key, claim_id, state, ended=[attempt])

    def give_back(self, claim: Claim, started: Collection[Attempt]) -> None:
        """Release the uncommitted tasks of a claim for other workers. Ignore a claim that was already taken over.

        The attempts in ``started`` have begun, so their tasks get new attempt numbers. No failure is counted.
        """

        def move(state: ShardState, _: str) -> ShardState:
            begun = Ranges.of(a.task - claim.first for a in started) & state.claims[claim.id].tasks
            return shard_moves.give_back(state, claim_id=claim.id, started=begun)

        state, _ = self._write_as_holder(claim, move)
        self._goes_on(claim.key, None, state)

    def renew(self, claim: Claim) -> Claim:
        """Raise the heartbeat of the claim, and change nothing else, so that no write of others causes a conflict."""

        def decide(document: Document) -> Sequence[Operation]:
            record = self._parse(document).claims.get(claim.id)
            if record is None or record.beat != claim.beat:
                return ()
            beat = f"/state/claims/{claim.id}/hb"
            uid = test("/metadata/uid", document["metadata"]["uid"])
            return [uid, test(beat, claim.beat), replace_operation(beat, claim.beat + 1)]

        key = claim.key
        state = self._write(key, decide, known=self._documents.get(key))
        if claim.id not in state.claims:
            self._forget(key)
            raise LeaseLost(f"{self._name(key)}: the claim {claim.id} was taken over")
        return self._goes_on(key, claim.id, state)

    def _write_as_holder(
        self, claim: Claim, move: Callable[[ShardState, str], ShardState]
    ) -> tuple[ShardState, str | None]:
        """Write as the holder of a claim. Each try sends a new id, and the id of the one that landed is returned.

        If the old id is gone and no new one is there, another worker has taken the claim over, or no task is left.
        """
        sent: list[str] = []

        def decide(document: Document) -> Sequence[Operation]:
            state = self._parse(document)
            if claim.id not in state.claims:
                return ()
            sent.append(self._new_id())
            return shard_patch(document["metadata"]["uid"], state, move(state, sent[-1]))

        known = self._documents.get(claim.key) if self._workers == 1 else self._read(claim.key)
        state = self._write(claim.key, decide, known=known)
        return state, _first_in(sent, state.claims)

    def _write(
        self, key: ShardKey, decide: Callable[[Document], Sequence[Operation]], *, known: Document | None
    ) -> ShardState:
        name = self._name(key)
        try:
            return self._remember(key, self._writer.write(SHARD_KIND, name, decide, known=known))
        except DocumentNotFound as error:
            self._forget(key)
            raise LeaseLost(f"{name} was removed together with the job") from error

    def _read(self, key: ShardKey) -> Document | None:
        """Return the document of a shard by a cheap read. Return None if, as far as is known, no document exists."""
        known = self._documents.get(key)
        try:
            read = self._writer.read(SHARD_KIND, self._name(key), fresh=False)
        except DocumentNotFound:
            return known
        return read if known is None else newer(read, known)

    def _create(self, view: JobView, key: ShardKey, sent: list[str]) -> Document:
        """Create the document of a shard with the first claim in it, unless another worker was faster."""
        layout = view.layout(key.phase)
        first, count = layout.first(key.shard), layout.count(key.shard)
        spec = {"job": self._job, "jobUid": self._uid, "phase": key.phase.value, "epoch": key.epoch}
        empty = self._empty(view, key)
        sent.append(self._new_id())
        state = self._hand_out(key, empty, self._size(key.phase, empty), "", sent[-1])
        document = {
            "kind": SHARD_KIND,
            "metadata": {"name": self._name(key), "labels": {JOB_LABEL: self._job}},
            "spec": {**spec, "shard": key.shard, "first": first, "count": count},
            "state": format_state(state),
        }
        try:
            return self._writer.create(document)
        except AlreadyExists:
            return self._writer.read(SHARD_KIND, self._name(key), fresh=True)

    def _empty(self, view: JobView, key: ShardKey) -> ShardState:
        """Return the state of a shard in which no task was ever claimed."""
        return ShardState(
            count=view.layout(key.phase).count(key.shard),
            first_attempt=key.epoch * ATTEMPTS_AN_EPOCH,
            epoch=view.shard_epoch(key.phase, key.shard),
            retry=view.retry,
        )

    def _without_expired(
        self, view: JobView, key: ShardKey, state: ShardState, held_id: str
    ) -> tuple[ShardState, list[str]]:
        """Take over the claims of dead workers, and claims under this worker's name that it does not know."""
        first = view.layout(key.phase).first(key.shard)
        limit = LOSSES_AN_ATTEMPT * max_attempts(view)
        expired = []
        for claim_id, claim in state.claims.items():
            if claim.worker == self._worker:
                gone = claim_id != held_id
            else:
                gone = self._expiry.is_expired(claim_id, claim.worker, claim.beat)
            if gone:
                expired.append(claim_id)
        for claim_id in expired:
            state = shard_moves.take_over(state, claim_id=claim_id, first=first, phase=key.phase.value, limit=limit)
        return state, expired

    def _hand_out(self, key: ShardKey, state: ShardState, count: int, claim_id: str, new_id: str) -> ShardState:
        return shard_moves.hand_out(
            state,
            count=count,
            claim_id=claim_id,
            new_id=new_id,
            worker=self._worker,
            slots=self._slots,
            is_free=self._is_free_but_for(key),
        )

    def _is_free_but_for(self, key: ShardKey) -> bool:
        return self._held.keys() <= {key}

    def _size(self, phase: Phase, state: ShardState) -> int:
        return claim_size(
            timing=self._timing,
            slots=self._slots,
            workers=self._workers,
            task_us=state.task_us,
            available=state.available,
            shards=self._shards.get(phase, 1),
            together=self._together.get(phase, 1),
        )

    def _goes_on(
        self, key: ShardKey, claim_id: str | None, state: ShardState, *, ended: Collection[Attempt] = ()
    ) -> Claim:
        """Return the present claim, with the attempts of the earlier claim that other workers have taken."""
        before = self._held.pop(key, None)
        first = self._documents[key]["spec"]["first"]
        record = state.claims[claim_id] if claim_id else None
        attempts = tuple(Attempt(first + task, state.attempt(task)) for task in record.tasks) if record else ()
        kept = {*attempts, *ended}
        lost = (
            (a for a in before.attempts if a not in kept and not state.has_won(a.task - first, a.attempt))
            if before
            else ()
        )
        claim = Claim(
            phase=key.phase,
            epoch=key.epoch,
            shard=key.shard,
            id=claim_id or "",
            first=first,
            attempts=attempts,
            lost=tuple(lost),
            beat=record.beat if record else 0,
        )
        if record:
            self._held[key] = claim
        else:
            self._forget(key)
        return claim

    def _remember(self, key: ShardKey, document: Document) -> ShardState:
        state = self._parse(document)
        if key in self._documents:
            in_order(document, self._documents[key])
        self._documents[key] = document
        return state

    def _forget(self, key: ShardKey) -> None:
        """Drop the claim of this worker in a shard, and the documents of the oldest shards without a claim."""
        self._held.pop(key, None)
        others = [known for known in self._documents if known not in self._held]
        for known in others[: max(0, len(others) - (0 if self._workers == 1 else MOST_REMEMBERED))]:
            del self._documents[known]

    def _parse(self, document: Document) -> ShardState:
        if document["spec"]["jobUid"] != self._uid:
            name = document["metadata"]["name"]
            raise BoardUnavailable(f"{name} belongs to an older job of the same name; Kubernetes will delete it")
        return parse_state(document)

    def _name(self, key: ShardKey) -> str:
        return shard_name(self._job, key.phase, key.epoch, key.shard)


def max_attempts(view: JobView) -> float:
    """Return the failures that a task may have: no task may fail for good in a job that has begun to publish."""
    return math.inf if view.publishing else view.spec.get("maxAttempts", MAX_ATTEMPTS)


def _held_of(claim: Claim) -> Ranges:
    """Return the tasks of a claim, numbered from 0 within the shard."""
    return Ranges.of(attempt.task - claim.first for attempt in claim.attempts)


def _first_in(sent: Sequence[str], claims: Mapping[str, object]) -> str | None:
    return next((claim_id for claim_id in sent if claim_id in claims), None)


def _is_held(state: ShardState, held: Ranges, attempt: Attempt, first: int) -> bool:
    task = attempt.task - first
    return task in held and state.attempt(task) == attempt.attempt
