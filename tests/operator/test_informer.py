"""Tests of an informer with a server that gives unusual answers."""

from __future__ import annotations

import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from kubemr_shell.errors import KubemrError
from kubemr_shell.kube.client import PAGE_BYTES
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.kube.status import state_of
from kubemr_shell.operator.informer import FIRST_PAUSE, Informer
from kubemr_shell.operator.object_cache import Key, ObjectCache
from tests.operator.json_server import Answer, client_of_server
from tests.support.waiting import PATIENCE_SECONDS, until

JOB = {"metadata": {"namespace": "here", "name": "words", "resourceVersion": "5"}}
LIST = {"metadata": {"resourceVersion": "5"}, "items": [JOB]}


def answering(answers: list[object], watched: list[float]) -> Answer:
    """Return an Answer with these lists, of which the last is repeated. Each watch ends at once."""

    def answer(path: str) -> object:
        if "watch=1" in path:
            watched.append(time.monotonic())
            return None
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return answer


@pytest.mark.lengthy
def test_it_goes_on_after_an_answer_that_makes_no_sense_and_does_not_ask_all_the_time() -> None:
    failures: list[KubemrError] = []
    changed: list[Key] = []
    watched: list[float] = []
    stop = threading.Event()
    objects = ObjectCache(job_of=lambda one: str(one["metadata"]["name"]), fact=state_of)
    with client_of_server(answering([["no list"], LIST], watched)) as client:
        informer = Informer(
            client,
            JOBS,
            None,
            labels="",
            objects=objects,
            changed=changed.append,
            failed=failures.append,
            stop=stop,
        )
        informer.loop.start()
        try:
            assert informer.listed.wait(PATIENCE_SECONDS)
            until(lambda: len(watched) >= 3, "the third watch")
        finally:
            stop.set()
    assert objects.get("here", "words") == JOB
    assert changed == [("here", "words")]
    assert ["bug" in str(one) for one in failures] == [True]
    assert watched[2] - watched[0] >= 2 * FIRST_PAUSE * 0.9


def test_a_list_is_read_in_pages_and_what_is_on_none_of_them_is_gone() -> None:
    """A single answer with ten thousand pods takes more memory than an operator has."""
    names = [f"job-{number:04}" for number in range(250)]
    asked: list[str] = []

    def answer(path: str) -> object:
        if "watch=1" in path:
            return None
        query = parse_qs(urlsplit(path).query)
        first, limit = int(query.get("continue", ["0"])[0]), int(query["limit"][0])
        asked.append(path)
        page = [{"metadata": {"namespace": "here", "name": one, "text": "x" * 50_000}} for one in names[first:][:limit]]
        rest = {"continue": str(first + limit)} if first + limit < len(names) else {}
        return {"metadata": {"resourceVersion": "5", **rest}, "items": page}

    changed: list[Key] = []
    stop = threading.Event()
    objects = ObjectCache(job_of=lambda one: str(one["metadata"]["name"]), fact=state_of)
    objects.put({"metadata": {"namespace": "here", "name": "gone"}})
    with client_of_server(answer) as client:
        informer = Informer(
            client, JOBS, None, labels="", objects=objects, changed=changed.append, failed=lambda _: None, stop=stop
        )
        informer.loop.start()
        try:
            assert informer.listed.wait(PATIENCE_SECONDS)
        finally:
            stop.set()
            informer.loop.join(PATIENCE_SECONDS)
    assert changed == [("here", name) for name in [*names, "gone"]]
    assert objects.keys() == {("here", name) for name in names}
    sizes = [int(parse_qs(urlsplit(path).query)["limit"][0]) * 50_000 for path in asked]
    assert len(sizes) > 2
    assert max(sizes) <= PAGE_BYTES
