"""Tests of the liveness of loops, and of the answers to the kubelet's probes."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous
from kubemr_shell.operator.http_server import serve
from kubemr_shell.operator.loop import Loop
from kubemr_shell.operator.operator import Operator
from kubemr_shell.operator.options import OperatorOptions
from tests.support.bare_server import bare_server
from tests.support.waiting import PATIENCE_SECONDS, until

__all__ = ["bare_server"]


def test_a_loop_that_hangs_or_has_ended_does_not_go_round_and_one_that_rests_does() -> None:
    turn, rested = threading.Event(), threading.Event()

    def run() -> None:
        loop.rests()
        rested.set()
        turn.wait(PATIENCE_SECONDS)
        loop.begins()

    loop = Loop("test", run)
    assert not loop.is_running(60)
    loop.start()
    assert rested.wait(PATIENCE_SECONDS)
    assert loop.is_running(0)
    turn.set()
    loop.join(PATIENCE_SECONDS)
    assert not loop.is_running(60)


def test_a_round_that_takes_too_long_is_noticed() -> None:
    end = threading.Event()
    loop = Loop("test", lambda: end.set() if end.wait(PATIENCE_SECONDS) else None)
    loop.start()
    try:
        assert loop.is_running(60)
        until(lambda: not loop.is_running(0.05), "its round is too long")
    finally:
        end.set()


@contextmanager
def operator_of(host: str) -> Iterator[Operator]:
    operator = Operator(KubeClient(anonymous(host), "here"), OperatorOptions(), identity="test", now=lambda: 0.0)
    thread = threading.Thread(target=operator.run, daemon=True)
    thread.start()
    try:
        yield operator
    finally:
        operator.stop()
        thread.join(PATIENCE_SECONDS)


def answer(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_SECONDS) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_an_operator_lives_while_the_api_server_is_away_and_is_not_ready() -> None:
    """A restart by the kubelet would lose the operator's caches and help nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with operator_of(f"http://127.0.0.1:{taken.getsockname()[1]}") as operator:
            server = serve(operator, 0)
            try:
                port = server.server_address[1]
                until(lambda: answer(port, "/healthz") == 200, "its loops run")
                assert answer(port, "/readyz") == 503
                operator.stop()
                until(lambda: answer(port, "/healthz") == 503, "its loops have ended")
            finally:
                server.shutdown()
                server.server_close()


def test_an_operator_without_its_kinds_of_objects_says_so_and_what_to_do(bare_server: str) -> None:
    """This happens if the operator is installed before the definitions. It starts to work as soon as they exist."""
    with operator_of(bare_server) as operator:
        until(lambda: all("kubemr-shell install" in one for one in operator.silences), "each of its watches has failed")
        assert "list of mapreducejobs: the API server knows no such kind of object" in operator.silences[0]


def test_an_operator_whose_loops_stand_still_is_not_alive() -> None:
    """The server of this test accepts requests and never answers. No time-out is over yet."""
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        operator_of(f"http://127.0.0.1:{mute.getsockname()[1]}") as one,
    ):
        until(one.is_alive, "its loops run")
        until(lambda: not one.is_alive(within=0.5), "its watches stand still")
        assert one.is_alive()
