"""Tests of the layout of tasks in shards: no task is missing or in two shards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.board.job_state import PlanFacts
from kubemr_shell.board.layout import MOST_SHARDS, Layout
from kubemr_shell.job.state import Phase


@pytest.mark.parametrize(
    ("tasks", "workers", "shards", "size"),
    [
        (0, 4, 0, 0),
        (1, 1, 1, 1),
        (1000, 1, 1, 1000),
        (1001, 1, 2, 501),
        (100, 100, 10, 10),
        (3, 1000, 3, 1),
        (1_000_000, 10_000, 1000, 1000),
        (3_000_000, 1, MOST_SHARDS, 2000),
    ],
)
def test_shards_follow_tasks_and_workers(tasks: int, workers: int, shards: int, size: int) -> None:
    assert Layout.of(tasks, workers) == Layout(tasks=tasks, shards=shards, shard_size=size)


@pytest.mark.parametrize(
    ("tasks", "pieces", "shards", "size"),
    [(1000, 1000, 1, 1000), (1000, 1100, 2, 500), (300, 20_000, 6, 50), (1000, 100_000, 100, 10), (3, 5_000_000, 3, 1)],
)
def test_shards_are_smaller_where_partitions_are_many(tasks: int, pieces: int, shards: int, size: int) -> None:
    assert Layout.of(tasks, 1, pieces=pieces) == Layout(tasks=tasks, shards=shards, shard_size=size)


def test_maps_are_laid_out_by_their_partitions() -> None:
    facts = PlanFacts(claim_id="c", tasks=300, partitions=20_000, spec={}, fingerprint="", input_bytes=0)
    layouts = facts.with_layouts(workers=1).layouts
    assert (layouts[Phase.MAP].shards, layouts[Phase.REDUCE].shards) == (6, 20)


def test_no_more_workers_than_there_are_tasks_of_publish_share_their_shards() -> None:
    facts = PlanFacts(claim_id="c", tasks=1000, partitions=0, spec={}, fingerprint="", input_bytes=0)
    layouts = facts.with_layouts(workers=200).layouts
    assert layouts[Phase.MAP] == Layout(tasks=1000, shards=20, shard_size=50)
    assert layouts[Phase.PUBLISH] == Layout(tasks=20, shards=2, shard_size=10)


@given(st.integers(1, 5_000_000), st.integers(1, 20_000))
def test_every_task_is_in_one_shard(tasks: int, workers: int) -> None:
    layout = Layout.of(tasks, workers)
    assert sum(layout.count(shard) for shard in range(layout.shards)) == tasks
    for shard in {0, layout.shards // 2, layout.shards - 1}:
        assert layout.count(shard) > 0
        assert layout.shard_of(layout.first(shard)) == shard
        assert layout.shard_of(layout.first(shard) + layout.count(shard) - 1) == shard
