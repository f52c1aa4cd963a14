"""Tests that an operator names the workers whose pods have vanished, and no living worker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_state import JobView, PlanFacts, Role, format_status
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import ShardClaim, ShardState, format_state
from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.errors import BoardUnavailable, KubemrError
from kubemr_shell.job.names import shard_name
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.marks import ROLE_LABEL, UID_LABEL, WORKER
from kubemr_shell.kube.resources import SHARDS
from kubemr_shell.operator.job_reader import JobReader
from kubemr_shell.operator.object_cache import ObjectCache
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.vanished import CHECKS_A_LOOK, VanishedWorkers
from tests.operator.json_server import client_of_server
from tests.operator.observed import NOW, OPTIONS, SPEC, STAMP, batch, job, patch_of_status, pod, seen

KEY = ("here", "words")
PLAN = PlanFacts(claim_id="c", tasks=40, partitions=2, spec=SPEC, fingerprint="", input_bytes=1)
MAPPING = job_moves.record_plan(JobView(state=JobState.DEPLOYED, spec=SPEC), PLAN.with_layouts(workers=1), 1)


class Server:
    """An API server with pods, and with one shard of the job that ``holder`` works on."""

    def __init__(self, holder: str = "words-0-a") -> None:
        self.pods: set[str] = set()
        self.checked: list[str] = []
        claim = ShardClaim(worker=holder, tasks=Ranges.parse("0-3"), beat=1, slots=1)
        self.shard = format_state(ShardState(count=40, next=4, claims={"c": claim}))

    def answer(self, path: str) -> dict[str, Any]:
        parts = urlsplit(path)
        if parts.path.endswith(SHARDS.plural):
            metadata = {"name": shard_name("words", Phase.MAP, 0, 0), "namespace": "here"}
            return {"items": [{"metadata": metadata, "spec": {"count": 40, "epoch": 0}, "state": self.shard}]}
        query = parse_qs(parts.query)
        assert "resourceVersion" not in query, "the memory of a server may be older than the board"
        self.checked.append(query["fieldSelector"][0].removeprefix("metadata.name="))
        return {"items": [{"metadata": {"name": name}} for name in self.pods if name == self.checked[-1]]}


def worker_pod(name: str) -> dict[str, Any]:
    found = pod(name, "Running")
    labels = {JOB_LABEL: "words", ROLE_LABEL: WORKER, UID_LABEL: "new"}
    return {**found, "metadata": {**found["metadata"], "namespace": "here", "labels": labels}}


class Watcher:
    """An operator that has just started, with the caches of its informers."""

    def __init__(self, client: KubeClient) -> None:
        self.failures: list[KubemrError] = []
        self.pods = _cache()
        self._reader = JobReader(
            client,
            OPTIONS,
            jobs=_cache(),
            batches=_cache(),
            pods=self.pods,
            now=lambda: NOW,
            failed=lambda error, _: self.failures.append(error),
        )

    def lost(self, view: JobView = MAPPING, posted: list[str] | None = None) -> list[str]:
        """Return the workers whose pods one look of the operator finds vanished."""
        document = job({**format_status(view), "startTime": STAMP, "lost": posted or []})
        return list(self._reader.read(KEY, document).vanished)


def _cache() -> ObjectCache[None]:
    return ObjectCache(job_of=lambda one: str(one["metadata"]["labels"][JOB_LABEL]), fact=lambda _: None)


def test_a_pod_that_ended_and_was_removed_between_two_looks_is_named() -> None:
    server = Server()
    server.pods = {"words-0-a"}
    with client_of_server(server.answer) as client:
        watcher = Watcher(client)
        watcher.pods.put(worker_pod("words-1-b"))
        assert watcher.lost() == []
        watcher.pods.remove(("here", "words-1-b"))
        assert watcher.lost() == ["words-1-b"]
        assert watcher.lost() == ["words-1-b"], "the patch of the last look may have been refused"
        assert watcher.lost(posted=["words-1-b"]) == []
        assert watcher.lost(posted=["words-1-b"]) == []


def test_the_holder_of_a_claim_whose_pod_vanished_while_no_operator_ran_is_named() -> None:
    server = Server(holder="words-0-a")
    with client_of_server(server.answer) as client:
        assert Watcher(client).lost() == ["words-0-a"]


@pytest.mark.parametrize("role", ["planner", "finisher"])
def test_a_planner_or_finisher_without_a_pod_is_named(role: str) -> None:
    server = Server()
    state = JobState.DEPLOYED if role == "planner" else JobState.PUBLISH
    held = Role(worker="words-7-z", id="i", beat=1)
    view = replace(MAPPING, state=state, planner=held if role == "planner" else None)
    view = replace(view, finisher=held if role == "finisher" else None)
    with client_of_server(server.answer) as client:
        assert "words-7-z" in Watcher(client).lost(view)


def test_a_worker_that_the_cache_does_not_know_yet_is_alive() -> None:
    """The pod is newer than the cache: its worker has a claim before this operator has heard of the pod."""
    server = Server(holder="words-0-a")
    server.pods = {"words-0-a"}
    with client_of_server(server.answer) as client:
        watcher = Watcher(client)
        assert watcher.lost() == []
        assert server.checked == ["words-0-a"]
        watcher.pods.put(worker_pod("words-0-a"))
        assert watcher.lost() == []
        assert server.checked == ["words-0-a"], "a pod in the cache is not asked for"


def test_a_pod_that_left_the_cache_but_still_exists_is_alive() -> None:
    """A pod leaves the cache if, for example, a user changes its labels."""
    server = Server()
    server.pods = {"words-0-a", "words-1-b"}
    with client_of_server(server.answer) as client:
        watcher = Watcher(client)
        watcher.pods.put(worker_pod("words-1-b"))
        watcher.lost()
        watcher.pods.remove(("here", "words-1-b"))
        assert watcher.lost() == []
        server.pods.remove("words-1-b")
        assert watcher.lost() == ["words-1-b"]


def test_text_on_the_board_that_is_no_name_of_a_pod_is_not_asked_for() -> None:
    server = Server(holder="words-0-a,metadata.namespace=other")
    with client_of_server(server.answer) as client:
        assert Watcher(client).lost() == []
    assert server.checked == []


def test_a_check_that_fails_names_no_worker_and_the_next_look_checks_again() -> None:
    works = False

    def exists(_: str, name: str) -> bool:
        if not works:
            raise BoardUnavailable("the server is away")
        return name != "gone"

    workers = VanishedWorkers(exists)

    def names(uid: str, *pods: str) -> list[str]:
        return workers.names(KEY, uid, pods=frozenset(pods), holders=(), posted=frozenset())

    assert names("u", "gone", "stays") == []
    with pytest.raises(BoardUnavailable):
        names("u", "stays")
    works = True
    assert names("u", "stays") == ["gone"]
    assert names("another job of the name") == []


def test_many_pods_that_vanish_at_once_are_checked_over_several_looks() -> None:
    names = {f"words-{number}-x" for number in range(3 * CHECKS_A_LOOK)}
    workers = VanishedWorkers(lambda *_: False)
    workers.names(KEY, "u", pods=names, holders=(), posted=frozenset())
    posted: set[str] = set()
    for look in range(1, 4):
        posted |= set(workers.names(KEY, "u", pods=frozenset(), holders=(), posted=posted))
        assert len(posted) == look * CHECKS_A_LOOK
    assert posted == names


def test_the_names_are_written_to_the_status_after_the_known_ones() -> None:
    document = job({**format_status(MAPPING), "startTime": STAMP, "lost": ["first"]})
    known = seen(document, batch=batch(), vanished=["second"], pods=[pod("third", "Failed", STAMP)])
    actions = reconcile(known, OPTIONS).actions
    written = [one for one in patch_of_status(actions) if one["path"] == "/status/lost"]
    assert written[0]["value"] == ["first", "second", "third"]
