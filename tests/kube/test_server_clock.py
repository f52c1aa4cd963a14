"""Tests of the time of the API server, independent of the local clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from kubemr_shell.errors import DocumentNotFound
from kubemr_shell.kube.resources import SERVICE_ACCOUNTS
from kubemr_shell.kube.server_clock import ServerClock
from kubemr_shell.kube.stamps import seconds_of
from tests.support.cluster import Cluster

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_it_goes_on_from_what_the_last_answer_said() -> None:
    clock = ServerClock()
    assert clock.now() is None
    clock.hear("Sun, 01 Mar 2026 14:00:00 GMT")
    clock.hear(format_datetime(THEN, usegmt=True))
    first = clock.now()
    assert first is not None
    assert 0 <= first - THEN.timestamp() < 60
    assert (clock.now() or 0) > first


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sun, 99 Mar 2026 12:00:00 GMT"])
def test_an_answer_that_does_not_tell_the_time_changes_nothing(date: str | None) -> None:
    clock = ServerClock()
    clock.hear(date)
    assert clock.now() is None
    clock.hear(format_datetime(THEN, usegmt=True))
    clock.hear(date)
    assert (clock.now() or 0) >= THEN.timestamp()


@pytest.mark.cluster
def test_a_client_tells_the_time_of_the_server_by_which_objects_are_stamped(cluster: Cluster, namespace: str) -> None:
    """An answer that refuses a request tells the time too."""
    made = cluster.client.create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "stamped"}})
    stamp = seconds_of(made["metadata"]["creationTimestamp"])
    with pytest.raises(DocumentNotFound):
        cluster.client.get(SERVICE_ACCOUNTS, namespace, "none")
    assert 0 <= (cluster.client.server_time() or 0) - stamp + 2 < 60
