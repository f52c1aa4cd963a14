"""Tests how often the operator reads the shards of a job for its status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import ShardState, format_state
from kubemr_shell.job.names import shard_name
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.operator.progress_reader import LONGEST_SECONDS, SHORTEST_SECONDS, ProgressReader
from tests.operator.json_server import client_of_server

PLAN = PlanFacts(claim_id="p", tasks=10, partitions=1, spec={"a": 1}, fingerprint="f", input_bytes=5).with_layouts(
    workers=1
)
MAPPING = JobView(state=JobState.MAP, spec={"a": 1}, plan=PLAN, turn=3)


class Shards:
    """A server with shards that records its requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.done = "0-1"

    def answer(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        state = format_state(ShardState(count=10, next=10, done=Ranges.parse(self.done)))
        metadata = {"name": shard_name("words", Phase.MAP, 0, 0), "namespace": "here"}
        return {"items": [{"metadata": metadata, "spec": {"count": 10, "epoch": 0}, "state": state}]}


class Looks:
    """A reader of one job with a clock that moves by one second for each read."""

    def __init__(self, client: KubeClient) -> None:
        self.now = 0.0
        self._reader = ProgressReader(client, clock=lambda: self.now)

    def look(self, view: JobView = MAPPING, uid: str = "u") -> int | None:
        self.now += 1
        found = self._reader.read("here", "words", uid, view)
        return None if found is None else found.tasks_done


def test_it_is_read_from_the_memory_of_the_server_and_seldom() -> None:
    shards = Shards()
    with client_of_server(shards.answer) as client:
        looks = Looks(client)
        assert {looks.look() for _ in range(round(SHORTEST_SECONDS))} == {2}
        assert len(shards.asked) == 1
        assert "resourceVersion=0" in shards.asked[0]
        for _ in range(600):
            looks.look()
        assert 600 / LONGEST_SECONDS <= len(shards.asked) <= 600 / LONGEST_SECONDS + 5


def test_a_change_of_the_shards_or_of_the_job_makes_it_read_more_often_again() -> None:
    shards = Shards()
    with client_of_server(shards.answer) as client:
        looks = Looks(client)
        for _ in range(600):
            looks.look()
        shards.done = "0-4"
        while looks.look() != 5:
            assert looks.now < 700
        asked = len(shards.asked)
        for _ in range(round(SHORTEST_SECONDS)):
            looks.look()
        assert len(shards.asked) == asked + 1

        for _ in range(600):
            looks.look()
        asked = len(shards.asked)
        looks.look(replace(MAPPING, turn=4))
        assert len(shards.asked) - asked <= 1
        for _ in range(round(SHORTEST_SECONDS)):
            looks.look(replace(MAPPING, turn=4))
        assert len(shards.asked) - asked >= 1


def test_another_job_of_the_name_is_read_at_once_and_a_phase_without_figures_never() -> None:
    shards = Shards()
    with client_of_server(shards.answer) as client:
        looks = Looks(client)
        looks.look()
        looks.look(uid="other")
        assert len(shards.asked) == 2
        assert looks.look(replace(MAPPING, state=JobState.PUBLISH)) is None
        assert looks.look(replace(MAPPING, state=JobState.FAIL)) is None
        assert len(shards.asked) == 2
