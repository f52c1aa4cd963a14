"""Tests of the moves of a shard, as tables in the form of the document."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from kubemr_shell.board import shard_moves
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import Failure, Reopening, ShardClaim, ShardState, format_state, parse_state

Move = Callable[[ShardState], ShardState]


def shard(**changes: Any) -> ShardState:
    """Return a shard of ten tasks: 0-1 done, 2 in ``redo``, 3-5 held by A, 6 held by B, 7-9 not issued."""
    values: dict[str, Any] = {
        "count": 10,
        "next": 7,
        "done": Ranges.parse("0-1"),
        "redo": Ranges.parse("2"),
        "attempts": {1: 2, 2: 1},
        "claims": {
            "A": ShardClaim(worker="a", tasks=Ranges.parse("3-5"), beat=4, slots=1),
            "B": ShardClaim(worker="b", tasks=Ranges.parse("6"), beat=0, slots=1),
        },
    }
    return ShardState(**{**values, **changes})


def hand_out(count: int, claim_id: str = "", *, is_free: bool = True) -> Move:
    return lambda state: shard_moves.hand_out(
        state, count=count, claim_id=claim_id, new_id="N", worker="n", slots=1, is_free=is_free
    )


def commit(tasks: str) -> Move:
    return lambda state: shard_moves.commit(state, claim_id="A", tasks=Ranges.parse(tasks), task_us=9)


def fail(limit: float) -> Move:
    return lambda state: shard_moves.fail(state, task=4, limit=limit, facts={"reason": "r"})


def take_over(limit: float) -> Move:
    return lambda state: shard_moves.take_over(state, claim_id="A", first=100, phase="map", limit=limit)


def settle(*orders: tuple[int, int], retry: int = 0, may_fail: bool = True) -> Move:
    reopenings = [Reopening(epoch=epoch, task=task, attempt=None) for epoch, task in orders]
    return lambda state: shard_moves.settle(state, reopenings, retry=retry, may_fail=may_fail)


FAILED = {"failed": Ranges.parse("2"), "redo": Ranges(), "fails": {2: 2}, "failure": Failure(retry=0, facts={})}

TABLE: dict[str, tuple[ShardState, Move, dict[str, object]]] = {
    "nothing is handed out": (shard(), hand_out(0), {}),
    "what is to be done again goes first": (shard(), hand_out(1), {"redo": "", "N": "2"}),
    "then new ones": (shard(), hand_out(3), {"redo": "", "next": 9, "N": "2,7-8"}),
    "not more than there are": (shard(), hand_out(50), {"redo": "", "next": 10, "N": "2,7-9"}),
    "a claim goes on under another id": (shard(), hand_out(0, "A"), {"A": None, "N": "3-5"}),
    "with more": (shard(), hand_out(2, "A"), {"A": None, "redo": "", "next": 8, "N": "2-5,7"}),
    "a commit wins": (shard(), commit("3,5"), {"done": "0-1,3,5", "A": "4", "us": 9}),
    "and ends the claim with its last task": (shard(), commit("3-5"), {"done": "0-1,3-5", "A": None, "us": 9}),
    "a later attempt stays on record": (
        shard(attempts={4: 7}),
        commit("3-4"),
        {"done": "0-1,3-4", "A": "5", "us": 9},
    ),
    "a failure is counted": (
        shard(),
        fail(2),
        {"redo": "2,4", "A": "3,5", "att": "1:2,2:1,4:1", "fails": "4:1"},
    ),
    "up to the limit": (
        shard(fails={4: 1}),
        fail(2),
        {
            "failed": "4",
            "A": "3,5",
            "att": "1:2,2:1,4:1",
            "fails": "4:2",
            "failure": {"retry": 0, "facts": {"reason": "r"}},
        },
    ),
    "which there may be none of": (
        shard(fails={4: 99}),
        fail(math.inf),
        {"redo": "2,4", "A": "3,5", "att": "1:2,2:1,4:1", "fails": "4:100"},
    ),
    "what is given back is numbered anew if it was started": (
        shard(),
        lambda state: shard_moves.give_back(state, claim_id="A", started=Ranges.parse("4")),
        {"redo": "2-5", "A": None, "att": "1:2,2:1,4:1"},
    ),
    "what is taken over always is": (
        shard(),
        take_over(9),
        {"redo": "2-5", "A": None, "att": "1:2,2-5:1", "lost": "3-5:1"},
    ),
    "who was lost with several tasks blames none of them": (
        shard(lost={3: 2, 4: 1}, claims={"A": ShardClaim(worker="a", tasks=Ranges.parse("4-6"), beat=4, slots=1)}),
        take_over(3),
        {"redo": "2,4-6", "A": None, "att": "1:2,2:1,4-6:1", "lost": "3-4:2,5-6:1"},
    ),
    "a suspect goes first, and alone": (shard(lost={2: 2}), hand_out(5), {"redo": "", "N": "2"}),
    "a suspect does not go to who holds something here": (
        shard(lost={2: 2}),
        hand_out(2, "A"),
        {"A": None, "N": "3-5,7-8", "next": 9},
    ),
    "a suspect does not go to who holds something elsewhere": (
        shard(lost={2: 2}),
        hand_out(1, is_free=False),
        {"N": "7", "next": 8},
    ),
    "who runs a suspect gets nothing else": (shard(lost={6: 2}), hand_out(5, "B"), {"B": None, "N": "6"}),
    "a task that is lost too often alone fails": (
        shard(lost={3: 2}, claims={"A": ShardClaim(worker="a", tasks=Ranges.parse("3"), beat=4, slots=1)}),
        take_over(3),
        {
            "A": None,
            "failed": "3",
            "att": "1:2,2-3:1",
            "lost": "3:3",
            "failure": {
                "retry": 0,
                "facts": {
                    "task": "map/103",
                    "attempt": 0,
                    "reason": "the worker of this task was lost 3 times, once when it ran alone: most likely the task "
                    "itself ends its workers (memory, a signal); the last of them was a",
                },
            },
        },
    ),
    "half of what waits is stolen, from the end": (
        shard(),
        lambda state: shard_moves.steal(state, "n"),
        {"redo": "2,5", "A": "3-4", "att": "1:2,2:1,5:1"},
    ),
    "not from oneself": (shard(), lambda state: shard_moves.steal(state, "a"), {}),
    "not what runs": (shard(claims={}), lambda state: shard_moves.steal(state, "n"), {}),
    "no order, nothing new": (shard(), settle(), {}),
    "an order sends back what is done": (
        shard(),
        settle((1, 1)),
        {"epoch": 1, "done": "0", "redo": "1-2", "att": "1:3,2:1"},
    ),
    "and what is held": (
        shard(),
        settle((1, 4)),
        {"epoch": 1, "redo": "2,4", "A": "3,5", "att": "1:2,2:1,4:1"},
    ),
    "but not what nobody has": (shard(), settle((2, 2), (1, 8)), {"epoch": 2}),
    "nor twice": (shard(epoch=1), settle((1, 1)), {}),
    "a retry forgives": (
        shard(**FAILED, lost={3: 1}),
        settle(retry=1),
        {"retry": 1, "failed": "", "redo": "2", "fails": "", "lost": "", "failure": None},
    ),
    "once": (shard(retry=1, fails={4: 1}), settle(retry=1), {}),
    "so does publishing": (
        shard(**FAILED),
        settle(may_fail=False),
        {"failed": "", "redo": "2", "fails": "", "failure": None},
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_moves(name: str) -> None:
    before, move, expected = TABLE[name]
    after = move(before)
    changed: dict[str, object] = {}
    old, new = format_state(before), format_state(after)
    old_claims, new_claims = old.pop("claims"), new.pop("claims")
    changed |= {key: new[key] for key in new if new[key] != old[key]}
    for claim_id in old_claims | new_claims:
        claim = new_claims.get(claim_id)
        if claim != old_claims.get(claim_id):
            changed[claim_id] = claim["r"] if claim else None
    assert changed == expected


def test_a_state_survives_its_document() -> None:
    state = shard(**FAILED, lost={3: 1}, retry=2, epoch=3, task_us=7, first_attempt=1 << 16)
    assert parse_state({"spec": {"count": 10, "epoch": 1}, "state": format_state(state)}) == state
