"""Measures the cost of a job for the API server.

``python -m benchmarks.cluster_bench [--workers N] [--seconds S] [TASKS ...]``

Stand-in workers (``stand_in.py``) do whole jobs against the API server of KUBEMR_TEST_KUBECONFIG, or of a K3s. The
benchmark counts their requests and conflicts, and measures the largest shard. The exit status is 1 if a job fails or a
bound is broken. The bounds are:

- at most 0.1 x tasks + 4 x workers + 20 writes,
- no shard over 4 kB,
- under 3 % conflicts (10 % up to 1,000 tasks).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack

from benchmarks.stand_in import CountingStore, StandIn, create_deployed
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.job.kinds import SHARD_KIND
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.client import KubeClient
from tests.support.cluster import Cluster, running_cluster

SHARD_BYTES = 4000
"""The most bytes that a shard may have."""
SIZES = (1000, 10_000, 100_000)
"""The default numbers of tasks."""


class Run:
    """A job that stand-in workers do."""

    def __init__(
        self, cluster: Cluster, namespace: str, *, tasks: int, workers: int, slots: int, seconds: float
    ) -> None:
        self._client = KubeClient.from_kubeconfig(cluster.kubeconfig, None, namespace, connections=workers)
        self._namespace = namespace
        self._tasks = tasks
        self._workers = workers
        self._slots = slots
        self._seconds = seconds
        self._name = f"bench-{tasks}"
        self.counts: Counter[str] = Counter()
        self._states: list[JobState | str] = []

    def go(self) -> dict[str, float]:
        """Run the job to its end. Return the measured values."""
        create_deployed(self._client, self._namespace, self._name, replicas=self._workers)
        began = time.monotonic()
        threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self._workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        if set(self._states) != {JobState.COMPLETE}:
            raise SystemExit(f"{self._name}: the workers saw {Counter(self._states)}")
        return {
            "tasks": self._tasks,
            "workers": self._workers,
            "seconds": round(seconds, 1),
            "writes": self.counts["writes"],
            "bound": self._tasks // 10 + 4 * self._workers + 20,
            "reads": self.counts["reads"],
            "read_ms": round(self.counts["ms of reads"] / self.counts["reads"], 1),
            "write_ms": round(self.counts["ms of writes"] / self.counts["writes"], 1),
            "conflicts": self.counts["conflicts"],
            "conflicts_percent": round(100 * self.counts["conflicts"] / self.counts["writes"], 2),
            "throttled": self.counts["throttled"],
            "unavailable": self.counts["unavailable"],
            "writes_a_second": round(self.counts["writes"] / seconds, 1),
            "largest_shard_bytes": self._largest_shard(),
        }

    def _work(self, number: int) -> None:
        try:
            time.sleep(random.uniform(0, 2))  # pods do not all start at the same time either
            worker = StandIn(
                CountingStore(KubernetesStore(self._client, self._namespace), self.counts),
                self._name,
                f"{self._name}-{number}-standin",
                tasks=self._tasks,
                slots=self._slots,
                workers=self._workers,
                number=number,
                task_seconds=self._seconds,
                timing=Timing.cluster(self._workers),
                random=random.Random(number),
            )
            self._states.append(worker.run())
        except BaseException as error:
            self._states.append(f"{type(error).__name__}: {error}")
            raise

    def _largest_shard(self) -> int:
        """Return the bytes of the largest shard, without managedFields."""
        shards = KubernetesStore(self._client, self._namespace).list(SHARD_KIND, job=self._name)
        for shard in shards:
            shard["metadata"].pop("managedFields", None)
        return max(len(json.dumps(shard)) for shard in shards)


def broken_bounds(result: dict[str, float]) -> list[str]:
    """Return one message for each bound that the result breaks."""
    allowed = 10 if result["tasks"] <= 1000 else 3
    return [
        text
        for text, broken in (
            (f"{result['writes']} writes, {result['bound']} allowed", result["writes"] > result["bound"]),
            (f"a shard of {result['largest_shard_bytes']} bytes", result["largest_shard_bytes"] > SHARD_BYTES),
            (f"{result['conflicts_percent']} % conflicts", result["conflicts_percent"] > allowed),
        )
        if broken
    ]


def main() -> int:
    """Run one job for each number of tasks. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.002, help="seconds of a task; true takes 0.002")
    parser.add_argument("sizes", metavar="TASKS", type=int, nargs="*", default=list(SIZES))
    arguments = parser.parse_args()
    worst = 0
    with ExitStack() as stack:
        cluster = running_cluster(stack)
        for tasks in arguments.sizes:
            with cluster.namespace() as namespace:
                run = Run(
                    cluster,
                    namespace,
                    tasks=tasks,
                    workers=arguments.workers,
                    slots=arguments.slots,
                    seconds=arguments.seconds,
                )
                result = run.go()
            print(json.dumps(result), flush=True)
            print("  " + ", ".join(f"{what}: {count}" for what, count in sorted(run.counts.items())), flush=True)
            for text in broken_bounds(result):
                worst = 1
                print(f"  too much: {text}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
