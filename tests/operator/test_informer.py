"""An informer in front of a server that answers strangely."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubemr_shell.errors import KubemrError
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.operator.informer import FIRST_PAUSE, Informer, Key

JOB = {"metadata": {"namespace": "here", "name": "words", "resourceVersion": "5"}}
LIST = {"metadata": {"resourceVersion": "5"}, "items": [JOB]}


@contextmanager
def server(answers: list[object], watched: list[float]) -> Iterator[KubeClient]:
    """It gives the answers to lists, the last one again and again; each watch ends at once."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = b""
            if "watch=1" in self.path:
                watched.append(time.monotonic())
            else:
                data = json.dumps(answers.pop(0) if len(answers) > 1 else answers[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield KubeClient(anonymous(f"http://127.0.0.1:{listening.server_address[1]}"), "here")
    finally:
        listening.shutdown()
        listening.server_close()


def test_it_goes_on_after_an_answer_that_makes_no_sense_and_does_not_ask_all_the_time() -> None:
    failures: list[KubemrError] = []
    changed: list[Key] = []
    watched: list[float] = []
    stop = threading.Event()
    with server([["no list"], LIST], watched) as client:
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
        informer.start()
        try:
            assert informer.listed.wait(10)
            deadline = time.monotonic() + 10
            while len(watched) < 3:
                assert time.monotonic() < deadline
                stop.wait(0.05)
        finally:
            stop.set()
    assert informer.get("here", "words") == JOB
    assert changed == [("here", "words")]
    assert ["bug" in str(one) for one in failures] == [True]
    assert watched[2] - watched[0] >= 2 * FIRST_PAUSE * 0.9
