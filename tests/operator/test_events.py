"""Tests of Events that two operators record at the same time."""

from __future__ import annotations

import pytest

from kubemr_shell.kube.resources import EVENTS
from kubemr_shell.operator.act import AGAIN_SECONDS, Actor
from kubemr_shell.operator.actions import Tell
from tests.operator.observed import NOW, job, seen
from tests.support.cluster import Cluster

pytestmark = pytest.mark.cluster


def test_what_two_operators_see_is_counted_once_and_again_only_later(cluster: Cluster, namespace: str) -> None:
    """Without this rule, two operators (the default) would double the count of each Event."""
    now = NOW
    operators = [Actor(cluster.client, name, lambda: now) for name in ("one", "another")]
    document = job({"state": "MAP"})
    document["metadata"]["namespace"] = namespace

    def tell() -> int:
        for operator in operators:
            assert operator.carry_out(seen(document), Tell(reason="NameTaken", message="Job words is in the way"))
        (event,) = cluster.client.list(EVENTS, namespace)["items"]
        return int(event["count"])

    assert tell() == 1
    now += AGAIN_SECONDS - 1
    assert tell() == 1
    now += 2
    assert tell() == 2
