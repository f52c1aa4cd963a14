"""Tests of a board that was set back to an older state, like an etcd restored from a backup."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from kubemr_shell.board.board import Board
from kubemr_shell.board.steps import Idle
from kubemr_shell.errors import BoardUnavailable
from kubemr_shell.job.kinds import JOB_KIND, SHARD_KIND
from kubemr_shell.job.state import Phase
from tests.board.boards import Workshop

SET_BACK = "the board was set back, as by a restored etcd"


def rows(shop: Workshop) -> list[tuple[str, str, int, str]]:
    with sqlite3.connect(shop.path) as connection:
        return connection.execute("SELECT kind, name, version, body FROM documents").fetchall()


def set_back(shop: Workshop, to: list[tuple[str, str, int, str]]) -> None:
    with sqlite3.connect(shop.path) as connection:
        for kind, name, version, body in to:
            connection.execute(
                "UPDATE documents SET version = ?, body = ? WHERE kind = ? AND name = ?", (version, body, kind, name)
            )


def look_often(worker: Board) -> None:
    for _ in range(50):
        worker.next()


def test_a_worker_that_has_seen_a_later_state_of_the_job_ends(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(tasks=2)
    backup = rows(shop)
    shop.run_to(Phase.REDUCE, worker="w1")
    set_back(shop, backup)
    with pytest.raises(BoardUnavailable, match=SET_BACK):
        shop.worker("w1").view()


def test_cheap_reads_that_stay_behind_are_checked_by_a_fresh_one(tmp_path: Path) -> None:
    """The cheap reads of an API server may be old for a moment, and a worker must not end for this reason."""
    shop = Workshop(tmp_path)
    shop.plan(tasks=2)
    shop.claim("other")
    wire, worker = shop.wire("w1"), shop.worker("w1")
    while not isinstance(worker.next(), Idle):
        pass
    backup = wire.get(JOB_KIND, "job")
    shop.worker("user").cancel()
    shop.worker("user").retry()
    worker.view()
    wire.past = {"job": backup}
    look_often(worker)
    set_back(shop, [(JOB_KIND, "job", int(backup["metadata"]["resourceVersion"]), json.dumps(backup))])
    with pytest.raises(BoardUnavailable, match=SET_BACK):
        look_often(worker)


def test_a_holder_whose_claim_is_of_a_later_state_of_the_shard_ends(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.plan(tasks=9)
    shop.worker("w1").give_back(shop.claim("w1"))
    backup = [row for row in rows(shop) if row[0] == SHARD_KIND]
    claim = shop.claim("w2")
    set_back(shop, backup)
    with pytest.raises(BoardUnavailable, match=SET_BACK):
        shop.worker("w2").renew(claim)
