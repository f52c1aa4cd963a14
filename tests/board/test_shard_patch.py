"""Tests of the patch of a shard: its test operations, and its changes."""

from __future__ import annotations

import pytest

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_patch import shard_patch
from kubemr_shell.board.shard_state import ShardState, format_state, parse_state
from kubemr_shell.board.stores import json_patch
from tests.board.test_shard_moves import TABLE, commit, fail, hand_out, shard, take_over


def guards(before: ShardState, after: ShardState, expired: tuple[str, ...] = ()) -> dict[str, object]:
    """Return the tested values by path, without the prefix ``/state/``."""
    operations = shard_patch("u", before, after, expired=expired)
    assert [operation["op"] for operation in operations] == sorted(
        (operation["op"] for operation in operations), key=lambda op: op != "test"
    ), "tests come first"
    tested = {item["path"].removeprefix("/state/"): item["value"] for item in operations if item["op"] == "test"}
    assert tested.pop("/metadata/uid") == "u"
    return tested


def test_what_is_new_is_guarded_by_next() -> None:
    before = shard(redo=Ranges(), done=Ranges.parse("0-2"))
    assert guards(before, hand_out(2)(before)) == {"next": 7}


def test_what_was_free_again_is_guarded_by_its_attempt_and_next_too() -> None:
    assert guards(shard(), hand_out(1)(shard())) == {"redo": "2", "next": 7, "att": "1:2,2:1"}
    unnumbered = shard(attempts={})
    assert guards(unnumbered, hand_out(1)(unnumbered)) == {"redo": "2", "next": 7, "att": ""}


def test_a_commit_is_guarded_by_its_claim() -> None:
    assert guards(shard(), commit("3")(shard())) == {"done": "0-1", "claims/A/r": "3-5"}


def test_a_commit_and_claim_is_guarded_by_both() -> None:
    after = hand_out(2, "A")(commit("3-5")(shard()))
    wanted = {"done": "0-1", "claims/A/r": "3-5", "redo": "2", "next": 7, "att": "1:2,2:1"}
    assert guards(shard(), after) == wanted


def test_taking_over_is_guarded_by_the_heartbeat() -> None:
    wanted = {"redo": "2", "claims/A/r": "3-5", "claims/A/hb": 4, "att": "1:2,2:1", "lost": ""}
    assert guards(shard(), take_over(9)(shard()), ("A",)) == wanted


def test_failing_for_good_is_guarded_by_the_retry() -> None:
    before = shard(fails={4: 1})
    wanted = {"failed": "", "claims/A/r": "3-5", "att": "1:2,2:1", "fails": "4:1", "retry": 0}
    assert guards(before, fail(2)(before)) == wanted


def test_nothing_else_is_tested() -> None:
    """Values without effect on the change may differ: a renewal, another claim, the time of a task."""
    tested = guards(shard(), commit("3")(shard()))
    assert not [path for path in tested if path.startswith("claims/B") or path in ("us", "claims/A/hb", "failed")]


def test_no_change_is_no_patch() -> None:
    assert shard_patch("u", shard(), shard()) == []


@pytest.mark.parametrize("name", TABLE)
def test_the_patch_makes_the_change(name: str) -> None:
    before, move, _ = TABLE[name]
    after = move(before)
    document = {"metadata": {"uid": "u"}, "spec": {"count": 10, "epoch": 0}, "state": format_state(before)}
    patched = json_patch.apply(
        document, shard_patch("u", before, after, expired=set(before.claims) - set(after.claims))
    )
    assert parse_state(patched) == after
