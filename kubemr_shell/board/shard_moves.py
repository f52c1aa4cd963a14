"""The changes of the state of a shard. Pure: each function takes a state and returns a state.

The caller turns the difference into a patch (``shard_patch``), which tests the values on which the decision depends. A
claim without tasks is removed. ``claim_id`` is always the present id of a claim, ``new_id`` the id that replaces it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import LOSSES_AMONG_OTHERS, Failure, Reopening, ShardClaim, ShardState


def settle(state: ShardState, reopenings: Iterable[Reopening], *, retry: int, may_fail: bool) -> ShardState:
    """Apply the orders that the job has recorded since the shard was last written: reopenings and a retry.

    A job that has begun to publish may no longer fail (``may_fail`` is False), so its failed tasks run again.
    """
    pending = [order for order in reopenings if order.epoch > state.epoch]
    if pending:
        again = Ranges.of(order.task for order in pending)
        again -= Ranges.span(state.next, state.count) | state.redo | state.failed
        state = _requeue(replace(state, epoch=max(order.epoch for order in pending)), again, raised=again)
    if retry > state.retry or (state.failed and not may_fail):
        state = replace(
            state,
            retry=max(retry, state.retry),
            redo=state.redo | state.failed,
            failed=Ranges(),
            fails={},
            lost={},
            failure=None,
        )
    return state


def hand_out(
    state: ShardState, *, count: int, claim_id: str, new_id: str, worker: str, slots: int, is_free: bool
) -> ShardState:
    """Give ``count`` available tasks to a worker. The tasks of its claim ``claim_id`` move to ``new_id`` too.

    A suspect goes first and alone, to a worker that holds no task in this shard or elsewhere (``is_free``).
    """
    held = state.claims[claim_id].tasks if claim_id in state.claims else Ranges()
    again, new = _offered(state, held, count, is_free=is_free)
    claims = {other: claim for other, claim in state.claims.items() if other != claim_id}
    if held or again or new:
        claims[new_id] = ShardClaim(worker=worker, tasks=held | again | new, beat=0, slots=slots)
    return replace(state, redo=state.redo - again, next=state.next + len(new), claims=claims)


def has_offer(state: ShardState, claim_id: str, *, is_free: bool) -> bool:
    """Return whether the shard has a task for a worker. The worker may hold the claim ``claim_id`` or no claim."""
    held = state.claims[claim_id].tasks if claim_id in state.claims else Ranges()
    return any(_offered(state, held, 1, is_free=is_free))


def _offered(state: ShardState, held: Ranges, count: int, *, is_free: bool) -> tuple[Ranges, Ranges]:
    """Return the tasks for a worker that already holds ``held``: those that run again, and the new ones."""
    suspects = state.suspects
    if held & suspects:
        return Ranges(), Ranges()
    alone = (state.redo & suspects).first(min(count, 1))
    if alone and is_free and not held:
        return alone, Ranges()
    again = (state.redo - suspects).first(count)
    return again, Ranges.span(state.next, min(state.count, state.next + count - len(again)))


def commit(state: ShardState, *, claim_id: str, tasks: Ranges, task_us: int) -> ShardState:
    """Commit the tasks of a claim: their attempts are the winners."""
    claim = state.claims[claim_id]
    return replace(
        state,
        done=state.done | tasks,
        claims=_with_claim(state.claims, claim_id, replace(claim, tasks=claim.tasks - tasks)),
        task_us=task_us,
    )


def fail(state: ShardState, *, task: int, limit: float, facts: Mapping[str, object]) -> ShardState:
    """Count a failed command. Its task runs again, or fails for good if it has failed ``limit`` times."""
    fails = state.fails.get(task, 0) + 1
    state = _requeue(state, Ranges.of([task]), raised=Ranges.of([task]))
    state = replace(state, fails={**state.fails, task: fails})
    return state if fails < limit else _fail_for_good(state, task, facts)


def give_back(state: ShardState, *, claim_id: str, started: Ranges) -> ShardState:
    """Release a claim. Started tasks get a new attempt number, because they may have left something behind."""
    return _requeue(state, state.claims[claim_id].tasks, raised=started)


def take_over(state: ShardState, *, claim_id: str, first: int, phase: str, limit: float) -> ShardState:
    """Remove the claim of a lost worker, so that its tasks run again.

    Any of the tasks may have ended the worker, or none: after ``LOSSES_AMONG_OTHERS`` losses, a task is a suspect. A
    suspect that ran alone is charged with the loss, and fails for good after ``limit`` losses.
    """
    claim = state.claims[claim_id]
    is_alone = bool(claim.tasks & state.suspects)
    most = math.inf if is_alone else LOSSES_AMONG_OTHERS
    lost = {task: int(min(state.lost.get(task, 0) + 1, most)) for task in claim.tasks}
    last = {task: state.attempt(task) for task, count in lost.items() if is_alone and count >= limit}
    state = replace(_requeue(state, claim.tasks, raised=claim.tasks), lost={**state.lost, **lost})
    for task, attempt in last.items():
        facts = {"task": f"{phase}/{first + task}", "attempt": attempt, "reason": _of_losses(lost[task], claim.worker)}
        state = _fail_for_good(state, task, facts)
    return state


def _of_losses(lost: int, worker: str) -> str:
    """Return the reason of the failure of a task whose worker was lost ``lost`` times."""
    alone = lost - LOSSES_AMONG_OTHERS
    ran = "once when it ran alone" if alone == 1 else f"{alone} times when it ran alone"
    return (
        f"the worker of this task was lost {lost} times, {ran}: most likely the task itself ends its workers "
        f"(memory, a signal); the last of them was {worker}"
    )


def steal(state: ShardState, thief: str, *, least_seconds: float = 0.0) -> ShardState:
    """Release half of the tasks that the busiest other worker cannot have started yet.

    Return the same state if there is no such task, or if that worker will do them within ``least_seconds`` itself, as
    far as the time of a task is known.
    """
    others = {claim_id: claim for claim_id, claim in state.claims.items() if claim.worker != thief}
    waiting = {claim_id: len(claim.tasks) - claim.slots for claim_id, claim in others.items()}
    victim = max(waiting, key=lambda claim_id: waiting[claim_id], default=None)
    if victim is None or waiting[victim] <= 0:
        return state
    if state.task_us and waiting[victim] * state.task_us < least_seconds * 1_000_000 * state.claims[victim].slots:
        return state
    stolen = state.claims[victim].tasks.last((waiting[victim] + 1) // 2)
    return _requeue(state, stolen, raised=stolen)


def _requeue(state: ShardState, tasks: Ranges, *, raised: Ranges) -> ShardState:
    """Move tasks from the claims or ``done`` to ``redo``, for the next claim. Raise the attempts of ``raised``."""
    if not tasks:
        return state
    claims = state.claims
    for claim_id, claim in state.claims.items():
        if left := claim.tasks & tasks:
            claims = _with_claim(claims, claim_id, replace(claim, tasks=claim.tasks - left))
    return replace(
        state,
        claims=claims,
        done=state.done - tasks,
        redo=state.redo | tasks,
        attempts={**state.attempts, **{task: state.attempt(task) + 1 for task in raised}},
    )


def _fail_for_good(state: ShardState, task: int, facts: Mapping[str, object]) -> ShardState:
    number = Ranges.of([task])
    return replace(
        state,
        redo=state.redo - number,
        failed=state.failed | number,
        failure=state.failure or Failure(retry=state.retry, facts=facts),
    )


def _with_claim(claims: Mapping[str, ShardClaim], claim_id: str, claim: ShardClaim) -> dict[str, ShardClaim]:
    kept = {other: value for other, value in claims.items() if other != claim_id}
    return {**kept, claim_id: claim} if claim.tasks else kept
