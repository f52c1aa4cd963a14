"""Tests of the addresses at which the operator answers."""

from __future__ import annotations

import socket
import urllib.request
from typing import Any

import pytest

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import anonymous
from kubemr_shell.operator.http_server import serve
from kubemr_shell.operator.operator import Operator
from kubemr_shell.operator.options import OperatorOptions
from tests.support.waiting import PATIENCE_SECONDS


def answers_at(*hosts: str) -> list[int]:
    """Return the status of ``/metrics`` at each of these addresses of one operator."""
    client = KubeClient(anonymous("http://127.0.0.1:9"), "here")
    server = serve(Operator(client, OperatorOptions(), identity="test", now=lambda: 0.0), 0)
    port = server.server_address[1]
    try:
        found = []
        for host in hosts:
            with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
                found.append(int(answer.status))
        return found
    finally:
        server.shutdown()
        server.server_close()


def has_ipv6() -> bool:
    """Return whether this machine has a loopback address of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_it_answers_at_every_address_of_its_pod() -> None:
    """Otherwise, in a cluster with only IPv6, the kubelet ends the operator again and again."""
    hosts = ["127.0.0.1", *(["[::1]"] if has_ipv6() else [])]
    assert answers_at(*hosts) == [200] * len(hosts)


def test_it_answers_where_the_kernel_has_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    class Socket(socket.socket):
        def __init__(self, family: int = -1, *arguments: Any, **options: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            super().__init__(family, *arguments, **options)

    monkeypatch.setattr(socket, "socket", Socket)
    assert answers_at("127.0.0.1") == [200]


def test_a_port_that_is_taken_is_said() -> None:
    client = KubeClient(anonymous("http://127.0.0.1:9"), "here")
    with (
        socket.create_server(("", 0)) as taken,
        pytest.raises(OSError, match="Address already in use"),
    ):
        serve(Operator(client, OperatorOptions(), identity="test", now=lambda: 0.0), taken.getsockname()[1])
