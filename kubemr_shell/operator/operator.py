"""The operator as a whole: watches, a queue of jobs, threads that reconcile the jobs, metrics and health.

Several operators can work at the same time without a leader: every write tests the state on which it depends.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.errors import CreationRefused, KubemrError, NamespaceTerminating, ProtocolMismatch
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.marks import CLEANUP, ROLE_LABEL, WORKER
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS, PODS, Resource
from kubemr_shell.kube.status import Condition, Object, is_true, state_of
from kubemr_shell.operator.act import Actor
from kubemr_shell.operator.actions import Action, Decision, Tell
from kubemr_shell.operator.backoff import Backoff
from kubemr_shell.operator.cached_fields import cached_batch, cached_job, cached_pod
from kubemr_shell.operator.deletion import end_with_namespace
from kubemr_shell.operator.informer import Informer
from kubemr_shell.operator.job_reader import JobReader
from kubemr_shell.operator.log import OperatorLog
from kubemr_shell.operator.loop import Loop
from kubemr_shell.operator.metrics import Jobs, Metrics
from kubemr_shell.operator.object_cache import Key, ObjectCache
from kubemr_shell.operator.observation import Observation, Trouble
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.pods import has_ended
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.work_queue import WorkQueue

THREADS = 4
"""The number of threads that reconcile jobs."""
REFUSED_SECONDS = 60.0
"""The seconds until the operator checks a job again that has another protocol."""
NONSENSE = "its status makes no sense, or this is a bug: {}"
"""The message for an unexpected exception. Workers may write anything into the status of their job."""
SETTLE_SECONDS = 0.5
"""The seconds for which a change of a pod waits. So one reconciliation sees many pods that start together."""
SILENT_SECONDS = 200.0
"""The seconds without news on a watch after which an operator is not ready. A bookmark comes each minute."""
HUNG_SECONDS = 600.0
"""The seconds after which a loop counts as hung. No round takes so long, because each request has a time-out."""


class Operator:
    """An operator: its threads, caches and metrics.

    ``identity`` names the operator in Events. ``now`` returns seconds since 1970.
    """

    def __init__(
        self,
        client: KubeClient,
        options: OperatorOptions,
        *,
        identity: str,
        now: Callable[[], float],
        log: OperatorLog | None = None,
    ) -> None:
        self._say = (log or OperatorLog(sys.stderr)).error
        self._client = client
        self._options = options
        self._stop = threading.Event()
        self._metrics = Metrics()
        self._queue: WorkQueue[Key] = WorkQueue(self._metrics.waited)
        self._backoff: Backoff[Key] = Backoff(Random())
        self._actor = Actor(client, identity, now)
        self._refused: dict[Key, str] = {}
        """The uids of the jobs that were reported to have another protocol."""
        self._jobs: ObjectCache[JobFact] = ObjectCache(job_of=_name_of, kept=cached_job, fact=_fact_of)
        self._batches: ObjectCache[None] = ObjectCache(job_of=_label_of, kept=cached_batch, fact=_no_fact)
        self._pods: ObjectCache[None] = ObjectCache(
            job_of=_label_of, kept=cached_pod, is_needed=self._is_needed, fact=_no_fact
        )
        pods = f"{JOB_LABEL},{ROLE_LABEL} in ({WORKER},{CLEANUP})"
        self._informers = [
            self._informer(JOBS, self._jobs),
            self._informer(BATCH_JOBS, self._batches, labels=JOB_LABEL),
            self._informer(PODS, self._pods, labels=pods, settle=SETTLE_SECONDS),
        ]
        self._reader = JobReader(
            client, options, jobs=self._jobs, batches=self._batches, pods=self._pods, now=now, failed=self._say
        )
        self._metrics.registry.register(self._gauges())
        client.report_to(self._metrics.requested)
        self._reconcilers = [self._reconciler(number) for number in range(THREADS)]

    def run(self) -> None:
        """Run the operator until ``stop`` is called."""
        for informer in self._informers:
            informer.loop.start()
        for loop in self._reconcilers:
            loop.start()
        self._stop.wait()
        self._queue.close()
        for loop in self._reconcilers:
            loop.join(timeout=10)

    def stop(self) -> None:
        """End ``run``. Any thread and any signal handler may call this method."""
        self._stop.set()

    @property
    def silences(self) -> Sequence[str]:
        """Return why the caches may be out of date: one reason for each watch that has been silent for too long."""
        now = time.monotonic()
        silent = (one for one in self._informers if not one.listed.is_set() or now - one.heard_at >= SILENT_SECONDS)
        return [one.trouble or f"nothing was heard of {one.resource.plural} yet" for one in silent]

    def is_alive(self, within: float = HUNG_SECONDS) -> bool:
        """Return whether each loop has finished its last round within ``within`` seconds.

        An operator without an API server is alive: to restart the operator would not help.
        """
        loops = [*(informer.loop for informer in self._informers), *self._reconcilers]
        return all(loop.is_running(within) for loop in loops)

    def metrics_text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        keys = self._jobs.keys()
        return self._metrics.text({namespace for namespace, _ in keys})

    def _gauges(self) -> Jobs:
        def states() -> Counter[tuple[str, str]]:
            found: Counter[tuple[str, str]] = Counter()
            for (namespace, fact), count in self._jobs.facts().items():
                found[namespace, fact.state] += count
            return found

        def stalled() -> Counter[str]:
            facts = self._jobs.facts().items()
            found: Counter[str] = Counter()
            for (namespace, fact), count in facts:
                found[namespace] += count if fact.is_stalled else 0
            return found

        return Jobs(
            labels=self._metrics.namespaces,
            states=states,
            stalled=stalled,
            waiting=lambda: len(self._queue),
            age=self._queue.age,
        )

    def _informer(
        self, resource: Resource, objects: ObjectCache[Any], *, labels: str = "", settle: float = 0.0
    ) -> Informer:
        return Informer(
            self._client,
            resource,
            self._options.namespace,
            labels=labels,
            objects=objects,
            changed=lambda key: self._queue.add(key, settle),
            failed=self._say,
            stop=self._stop,
        )

    def _is_needed(self, pod: Object) -> bool:
        """Return whether the cache has to keep a pod because a decision may depend on the pod.

        No decision depends on a worker that has ended, if its job is complete.
        """
        metadata = pod["metadata"]
        if metadata["labels"][ROLE_LABEL] == CLEANUP or not has_ended(pod):
            return True
        return not self._is_complete(metadata["namespace"], metadata["labels"][JOB_LABEL])

    def _is_complete(self, namespace: str, job: str) -> bool:
        fact = self._jobs.fact(namespace, job)
        return fact is not None and fact.state == JobState.COMPLETE

    def _reconciler(self, number: int) -> Loop:
        def run() -> None:
            for informer in self._informers:
                while not informer.listed.wait(0.2):
                    loop.begins()
                    if self._stop.is_set():
                        return
            loop.rests()
            while (key := self._queue.take()) is not None:
                loop.begins()
                again_after = self._look(key)
                if again_after is not None:
                    self._queue.add(key, again_after)
                self._queue.done(key)
                loop.rests()

        loop = Loop(f"reconciler {number}", run)
        return loop

    def _look(self, key: Key) -> float | None:
        """Reconcile a job. Return the seconds until the next reconciliation; None if only a change shall cause one."""
        began = time.monotonic()
        try:
            decision = self._reconcile(key)
            outcome = "again" if decision is None else "done"
        except ProtocolMismatch as error:
            decision, outcome = Decision(again_after=REFUSED_SECONDS), "done"
            self._refuse(key, error)
        except Exception as error:  # noqa: BLE001 - a worker may write anything into the status of its job
            decision, outcome = None, "failed"
            known = error if isinstance(error, KubemrError) else KubemrError(NONSENSE.format(repr(error)[:300]))
            self._say(known, key)
            self._metrics.failed(key[0])
        self._metrics.looked(outcome, time.monotonic() - began)
        if decision is None:
            return self._backoff.failed(key)
        self._backoff.succeeded(key)
        return decision.again_after

    def _reconcile(self, key: Key) -> Decision | None:
        """Decide on a job and act. Return the decision, or None if an action was refused and the rest left out."""
        self._metrics.done("reconciled")
        job = self._jobs.get(*key)
        if job is None:
            self._reader.forget(key)
            self._refused.pop(key, None)
            return Decision()
        if self._is_complete(*key):
            self._pods.review(key)
        seen = self._reader.read(key, job)
        try:
            decision = reconcile(seen, self._options)
            return decision if self._carry_out(seen, decision.actions) else None
        except NamespaceTerminating:
            self._end_with(key[0])
        except CreationRefused as error:
            hindered = replace(seen, obstacle=Trouble(reason=error.reason, message=str(error)))
            self._carry_out(hindered, reconcile(hindered, self._options).actions)
        return None

    def _refuse(self, key: Key, error: ProtocolMismatch) -> None:
        """Report once, not at each write of its workers, that a job is left to operators of another version."""
        job = self._jobs.get(*key)
        if job is None or self._refused.get(key) == job["metadata"]["uid"]:
            return
        self._refused[key] = job["metadata"]["uid"]
        self._say(error, key)
        told = Tell(reason=type(error).__name__, message=f"this operator ignores the job: {error}", warning=True)
        with suppress(KubemrError):  # the log has it
            self._carry_out(self._reader.outline(key, job), [told])

    def _carry_out(self, seen: Observation, actions: Sequence[Action]) -> bool:
        """Carry out the actions in their order. Return False if one is refused because the job has changed."""
        for action in actions:
            self._metrics.done("acted")
            if not self._actor.carry_out(seen, action):
                self._metrics.done("refused")
                return False
        return True

    def _end_with(self, namespace: str) -> None:
        """End all jobs of a namespace that is being deleted."""
        for key in self._jobs.keys():  # noqa: SIM118 - no mapping
            if key[0] == namespace and (job := self._jobs.get(*key)) is not None:
                seen = self._reader.outline(key, job)
                self._carry_out(seen, end_with_namespace(seen))


class JobFact(NamedTuple):
    """The facts about a job that the operator can read without unpacking the job."""

    state: str
    is_stalled: bool


def _fact_of(job: Object) -> JobFact:
    return JobFact(state=state_of(job), is_stalled=is_true(job, Condition.STALLED))


def _no_fact(_: Object) -> None:
    """Return no fact: for these objects, nothing has to be known without unpacking them."""


def _name_of(job: Object) -> str:
    return str(job["metadata"]["name"])


def _label_of(document: Object) -> str | None:
    name = (document["metadata"].get("labels") or {}).get(JOB_LABEL)
    return None if name is None else str(name)
