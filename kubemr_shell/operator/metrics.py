"""The metrics of one operator, for Prometheus.

The number of labels is bounded: Prometheus keeps a series for each, and a cluster may have any number of namespaces.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client import Counter as CounterMetric
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

MOST_NAMESPACES = 100
"""The most namespaces that have a label of their own."""
OTHERS = "_others"
"""The label of all other namespaces. It is not a valid name of a namespace."""
SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60)
"""The upper bounds of the buckets of all histograms, in seconds."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class NamespaceLabels:
    """The namespaces that have a label of their own: the first ones that were used. Any thread may use it."""

    def __init__(self, most: int = MOST_NAMESPACES) -> None:
        self._most = most
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def of(self, namespace: str) -> str:
        """Return the label for a namespace."""
        with self._lock:
            if namespace in self._known or len(self._known) < self._most:
                self._known.add(namespace)
                return namespace
            return OTHERS

    def keep(self, present: set[str]) -> set[str]:
        """Free the labels of all namespaces that are not in ``present``. Return these namespaces."""
        with self._lock:
            freed = self._known - present
            self._known -= freed
            return freed


class Jobs:
    """A collector that reads jobs and queue at each request of Prometheus."""

    def __init__(
        self,
        *,
        labels: NamespaceLabels,
        states: Callable[[], Counter[tuple[str, str]]],
        stalled: Callable[[], Counter[str]],
        waiting: Callable[[], int],
        age: Callable[[], float],
    ) -> None:
        """``states`` counts jobs by namespace and state, and ``stalled`` counts stalled jobs by namespace.

        ``waiting`` returns the length of the queue, and ``age`` the seconds for which its oldest entry has been due.
        """
        self._labels = labels
        self._states = states
        self._stalled = stalled
        self._waiting = waiting
        self._age = age

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges, as the registry of ``prometheus_client`` expects."""
        jobs: Counter[tuple[str, str]] = Counter()
        stalled: Counter[str] = Counter()
        for (namespace, state), count in sorted(self._states().items()):
            jobs[self._labels.of(namespace), state] += count
        for namespace, count in sorted(self._stalled().items()):
            stalled[self._labels.of(namespace)] += count
        yield _gauge("kubemr_jobs", "Jobs, by namespace and state.", ("namespace", "state"), jobs)
        yield _gauge(
            "kubemr_jobs_stalled",
            "Jobs in which no worker has changed anything for long.",
            ("namespace",),
            {(namespace,): count for namespace, count in stalled.items()},
        )
        yield GaugeMetricFamily("kubemr_queue", "Jobs that wait to be reconciled, now or later.", value=self._waiting())
        yield GaugeMetricFamily(
            "kubemr_queue_age_seconds", "Seconds for which the oldest reconciliation has been due.", value=self._age()
        )


class Metrics:
    """The counters and histograms of one operator. Any thread may use it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.namespaces = NamespaceLabels()
        self._operations = CounterMetric(
            "kubemr_operations", "Operations of the operator.", ["kind"], registry=self.registry
        )
        self._failures = CounterMetric(
            "kubemr_failures", "Reconciliations that ended in an error.", ["namespace"], registry=self.registry
        )
        self._looks = Histogram(
            "kubemr_look_seconds",
            "Duration of one reconciliation of a job, with its actions.",
            ["outcome"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._waits = Histogram(
            "kubemr_queue_wait_seconds",
            "Seconds for which a reconciliation had been due when it began.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._requests = Histogram(
            "kubemr_api_request_seconds",
            "Time to the first byte of an answer of the API server.",
            ["method", "code"],
            buckets=SECONDS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def done(self, kind: str) -> None:
        """Count an operation: ``reconciled``, ``acted``, ``refused`` or ``failed``."""
        self._operations.labels(kind).inc()

    def failed(self, namespace: str) -> None:
        """Count a reconciliation that ended in an error."""
        self.done("failed")
        self._failures.labels(self.namespaces.of(namespace)).inc()

    def looked(self, outcome: str, seconds: float) -> None:
        """Record a reconciliation. The outcome is ``done``, ``failed``, or ``again`` if an action was refused."""
        self._looks.labels(outcome).observe(seconds)

    def waited(self, seconds: float) -> None:
        """Record how many seconds late a reconciliation began."""
        self._waits.observe(seconds)

    def requested(self, method: str, code: str, seconds: float) -> None:
        """Record a request to the API server."""
        self._requests.labels(method, code).observe(seconds)

    def text(self, namespaces: set[str]) -> bytes:
        """Return all metrics. Free the labels of namespaces that are not in ``namespaces`` for others."""
        for namespace in self.namespaces.keep(namespaces):
            self._forget(namespace)
        return generate_latest(self.registry)

    def _forget(self, namespace: str) -> None:
        try:
            self._failures.remove(namespace)
        except KeyError:  # nothing has failed there
            return


def _gauge(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Any, int]) -> Metric:
    """Return a gauge with one value for each tuple of label values in ``counts``."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
