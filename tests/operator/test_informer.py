"""An informer in front of a server that answers strangely."""

from __future__ import annotations

import threading
import time

from kubemr_shell.errors import KubemrError
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.operator.informer import FIRST_PAUSE, Informer, Key
from tests.operator.json_server import Answer, client_of_server
from tests.waiting import until

JOB = {"metadata": {"namespace": "here", "name": "words", "resourceVersion": "5"}}
LIST = {"metadata": {"resourceVersion": "5"}, "items": [JOB]}


def answering(answers: list[object], watched: list[float]) -> Answer:
    """It gives the answers to lists, the last one again and again; each watch ends at once."""

    def answer(path: str) -> object:
        if "watch=1" in path:
            watched.append(time.monotonic())
            return None
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return answer


def test_it_goes_on_after_an_answer_that_makes_no_sense_and_does_not_ask_all_the_time() -> None:
    failures: list[KubemrError] = []
    changed: list[Key] = []
    watched: list[float] = []
    stop = threading.Event()
    with client_of_server(answering([["no list"], LIST], watched)) as client:
        informer = Informer(
            client,
            JOBS,
            None,
            labels="",
            job_of=lambda one: str(one["metadata"]["name"]),
            changed=changed.append,
            failed=failures.append,
            stop=stop,
        )
        informer.loop.start()
        try:
            assert informer.listed.wait(10)
            until(lambda: len(watched) >= 3, "the third watch")
        finally:
            stop.set()
    assert informer.get("here", "words") == JOB
    assert changed == [("here", "words")]
    assert ["bug" in str(one) for one in failures] == [True]
    assert watched[2] - watched[0] >= 2 * FIRST_PAUSE * 0.9
