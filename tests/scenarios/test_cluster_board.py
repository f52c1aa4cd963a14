"""The board on a real API server whose answers are refused, lost, late and cut: nothing is lost or done twice."""

import threading
import time
from dataclasses import replace
from random import Random

import pytest

from benchmarks.stand_in import StandIn, create_deployed
from kubemr_shell.board.job_state import parse_job
from kubemr_shell.board.shard_state import parse_state
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.job.state import JobState, Phase
from tests.support.api_proxy import ApiProxy, Fault, client_of, proxy_to, seeded
from tests.support.cluster import Cluster
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.cluster

TASKS = 60
WORKERS = 4
TIMING = replace(
    Timing.cluster(WORKERS),
    lease_seconds=2.0,
    batch_seconds=0.1,
    least_batch_seconds=0.05,
    idle_seconds=0.1,
    jitter_seconds=0.05,
    longest_idle_seconds=0.5,
    close_patience_seconds=1.0,
    give_up_seconds=60.0,
    steal_seconds=0.0,
)


class Workers:
    """Stand-in workers, each a thread; one may vanish with a claim in its hands."""

    def __init__(self, proxy: ApiProxy, namespace: str) -> None:
        self._proxy = proxy
        self._namespace = namespace
        self.ends: list[JobState | str] = []

    def run(self, number: int, *, vanishing: bool = False) -> None:
        store = KubernetesStore(client_of(self._proxy, self._namespace), self._namespace)
        try:
            slept = 0.0

            def sleep(seconds: float) -> None:
                nonlocal slept
                slept += seconds
                if vanishing and slept > 0.2:
                    raise Vanished
                time.sleep(seconds)

            worker = StandIn(
                store,
                "job",
                f"w{number}",
                tasks=TASKS,
                slots=2,
                workers=WORKERS,
                number=number,
                task_seconds=0.02,
                timing=TIMING,
                random=Random(number),
                sleep=sleep,
            )
            self.ends.append(worker.run())
        except Vanished:
            return
        except Exception as error:  # noqa: BLE001 - the test says which
            self.ends.append(f"{type(error).__name__}: {error}")


class Vanished(BaseException):
    """A worker is gone, as by kill -9."""


@pytest.mark.parametrize("seed", range(6))
def test_a_job_ends_well_however_the_api_server_answers(cluster: Cluster, namespace: str, seed: int) -> None:
    create_deployed(cluster.client, namespace, "job")
    with proxy_to(cluster.client) as proxy:
        proxy.policy = seeded(seed, 0.25)
        workers = Workers(proxy, namespace)
        threads = [
            threading.Thread(target=workers.run, args=(number,), kwargs={"vanishing": number == 0}, daemon=True)
            for number in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=PATIENCE_SECONDS)
        assert workers.ends == [JobState.COMPLETE] * (WORKERS - 1)
        assert sum(proxy.injected.values()) > 10
        assert len(proxy.injected) > len(Fault) // 2
    check_what_is_left(KubernetesStore(cluster.client, namespace))


def check_what_is_left(store: KubernetesStore) -> None:
    """Every task done once, nothing held, and the job has counted each shard once."""
    view = parse_job(store.get("MapReduceJob", "job"))
    assert view.state is JobState.COMPLETE
    assert view.totals[Phase.MAP]["tasks"] == TASKS
    for document in store.list("TaskShard", job="job"):
        state = parse_state(document)
        assert state.is_covered
        assert not state.claims
        assert not state.redo
