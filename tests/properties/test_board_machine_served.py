"""The machine of test_board_machine.py on a real API server: its rules of patches, its refusals, its lost answers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from kubemr_shell.board.job_state import JobView, format_status
from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.resources import JOBS
from tests.properties.board_machine import BoardMachine
from tests.properties.served_documents import ServedHistory
from tests.properties.test_board_machine import SETTINGS
from tests.support.api_proxy import ApiProxy, Fault, client_of, proxy_to
from tests.support.board_documents import History
from tests.support.cluster import Cluster

EXAMPLES = 10
STEPS = 30


def served(cluster: Cluster, proxy: ApiProxy, namespace: str) -> type[BoardMachine]:
    """Each game has a job of its own, which goes with the namespace."""
    numbers = itertools.count()
    faults = itertools.cycle(Fault)

    class ServedMachine(BoardMachine):
        def _new_history(self) -> History:
            self.name = f"job-{next(numbers)}"
            self.spec = {"maxAttempts": 2, "inputs": ["s3://none/none"], "mapCommand": "cat"}
            return ServedHistory(
                self._changed,
                proxy,
                real=KubernetesStore(cluster.client, namespace),
                through=KubernetesStore(client_of(proxy, namespace), namespace),
                faults=faults,
            )

        def _create_job(self) -> None:
            """A status is not made with its object: an operator writes it."""
            cluster.client.create(JOBS, namespace, {"metadata": {"name": self.name}, "spec": self.spec})
            first = format_status(JobView(state=JobState.PENDING, spec=self.spec))
            self.history.patch("MapReduceJob", self.name, [add("/status", first)])

    return ServedMachine


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_order_of_events_breaks_the_board_on_an_api_server(cluster: Cluster, namespace: str) -> None:
    with proxy_to(cluster.client) as proxy:
        machine = served(cluster, proxy, namespace)
        bounded = settings(SETTINGS, max_examples=EXAMPLES, stateful_step_count=STEPS)
        run_state_machine_as_test(machine, settings=bounded)
        assert set(proxy.injected) == set(Fault), "each of them has happened"
