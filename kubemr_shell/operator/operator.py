"""The operator as a whole: watches, a queue of jobs, threads that look at them, metrics and health.

No leader is needed: what one operator does another may do at the same time, and every write tests what it relied on.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from kubemr_shell.board.documents import JOB_LABEL
from kubemr_shell.errors import CreationRefused, KubemrError, NamespaceTerminating
from kubemr_shell.kube.client import KubeClient, Object
from kubemr_shell.kube.marks import CLEANUP, ROLE_LABEL, WORKER
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS, PODS, Resource
from kubemr_shell.kube.status import state_of
from kubemr_shell.operator.act import Actor
from kubemr_shell.operator.actions import Action, Decision
from kubemr_shell.operator.backoff import Backoff
from kubemr_shell.operator.deletion import end_with_namespace
from kubemr_shell.operator.informer import Informer, Key
from kubemr_shell.operator.loop import Loop
from kubemr_shell.operator.observation import Observation, Trouble
from kubemr_shell.operator.observe import JobObserver
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.work_queue import WorkQueue

THREADS = 4
SETTLE_SECONDS = 0.5
"""Changes of pods that come together, as when many start, are looked at together."""
SILENT_SECONDS = 200.0
"""After which an operator whose watches have heard nothing is not ready; a bookmark comes each minute."""
HUNG_SECONDS = 600.0
"""Longer than a look at a job, or a round of a watch, can take: each of its requests has a time-out."""


class Operator:
    """``run`` until ``stop``. ``identity`` is told in events; ``now`` gives seconds since 1970."""

    def __init__(
        self, client: KubeClient, options: OperatorOptions, *, identity: str, now: Callable[[], float]
    ) -> None:
        self._client = client
        self._options = options
        self._stop = threading.Event()
        self._queue: WorkQueue[Key] = WorkQueue()
        self._backoff: Backoff[Key] = Backoff(Random())
        self._actor = Actor(client, identity, now)
        self.counts: Counter[str] = Counter()
        """What was done so far: reconciled, acted, refused, failed."""
        self._jobs = self._informer(JOBS, "", lambda job: str(job["metadata"]["name"]))
        self._batches = self._informer(BATCH_JOBS, JOB_LABEL, _label_of)
        pods = f"{JOB_LABEL},{ROLE_LABEL} in ({WORKER},{CLEANUP})"
        self._pods = self._informer(PODS, pods, _label_of, settle=SETTLE_SECONDS)
        self._observer = JobObserver(
            client, options, jobs=self._jobs, batches=self._batches, pods=self._pods, now=now, failed=self._say
        )
        self._reconcilers = [self._reconciler(number) for number in range(THREADS)]

    def run(self) -> None:
        for informer in self._informers:
            informer.loop.start()
        for loop in self._reconcilers:
            loop.start()
        self._stop.wait()
        self._queue.close()
        for loop in self._reconcilers:
            loop.join(timeout=10)

    def stop(self) -> None:
        """Any thread, any signal handler."""
        self._stop.set()

    @property
    def unheard(self) -> Sequence[str]:
        """Why it does not know what there is: what went wrong with each watch that has heard nothing lately."""
        now = time.monotonic()
        silent = (one for one in self._informers if not one.listed.is_set() or now - one.heard_at >= SILENT_SECONDS)
        return [one.trouble or f"nothing was heard of {one.resource.plural} yet" for one in silent]

    def is_alive(self, within: float = HUNG_SECONDS) -> bool:
        """Its loops go round, each within so many seconds. An API server that is away is no reason to begin anew."""
        loops = [*(informer.loop for informer in self._informers), *self._reconcilers]
        return all(loop.goes_round(within) for loop in loops)

    def states(self) -> Counter[str]:
        """How many jobs there are in each state."""
        found = (self._jobs.get(*key) for key in self._jobs.keys())  # noqa: SIM118 - no mapping
        return Counter(state_of(job) for job in found if job)

    @property
    def waiting(self) -> int:
        """Jobs that have to be looked at, now or later."""
        return len(self._queue)

    @property
    def _informers(self) -> list[Informer]:
        return [self._jobs, self._batches, self._pods]

    def _informer(
        self, resource: Resource, labels: str, job_of: Callable[[Object], str | None], *, settle: float = 0.0
    ) -> Informer:
        return Informer(
            self._client,
            resource,
            self._options.namespace,
            labels=labels,
            job_of=job_of,
            changed=lambda key: self._queue.add(key, settle),
            failed=self._say,
            stop=self._stop,
        )

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
        """Seconds until it has to be looked at again, though nothing that it has to do with changes."""
        try:
            decision = self._reconcile(key)
        except KubemrError as error:
            self.counts["failed"] += 1
            self._say(error, key)
        except Exception as error:  # noqa: BLE001 - a worker may write anything into the status of its job
            self.counts["failed"] += 1
            self._say(KubemrError(f"its status makes no sense, or this is a bug: {error!r}"[:300]), key)
        else:
            if decision is not None:
                self._backoff.succeeded(key)
                return decision.again_after
        return self._backoff.failed(key)

    def _reconcile(self, key: Key) -> Decision | None:
        """What was decided and done; None: not all of it, for something was in the way, or has changed meanwhile."""
        self.counts["reconciled"] += 1
        job = self._jobs.get(*key)
        if job is None:
            self._observer.forget(key)
            return Decision()
        seen = self._observer.observe(key, job)
        try:
            decision = reconcile(seen, self._options)
            return decision if self._carry_out(seen, decision.actions) else None
        except NamespaceTerminating:
            self._end_with(key[0])
        except CreationRefused as error:
            hindered = replace(seen, obstacle=Trouble(reason=error.reason, message=str(error)))
            self._carry_out(hindered, reconcile(hindered, self._options).actions)
        return None

    def _carry_out(self, seen: Observation, actions: Sequence[Action]) -> bool:
        """False: what was seen is no longer so."""
        for action in actions:
            self.counts["acted"] += 1
            if not self._actor.carry_out(seen, action):
                self.counts["refused"] += 1
                return False
        return True

    def _end_with(self, namespace: str) -> None:
        """A namespace is being deleted; who has noticed it for one job ends all of them."""
        for key in self._jobs.keys():  # noqa: SIM118 - no mapping
            job = self._jobs.get(*key)
            if key[0] == namespace and job is not None:
                seen = self._observer.outline(key, job)
                self._carry_out(seen, end_with_namespace(seen))

    def _say(self, error: KubemrError, key: Key | None = None) -> None:
        where = f"{key[0]}/{key[1]}: " if key else ""
        sys.stderr.write(f"kubemr-shell operator: {where}{error}\n")
        sys.stderr.flush()


def _label_of(document: Object) -> str | None:
    name = (document["metadata"].get("labels") or {}).get(JOB_LABEL)
    return None if name is None else str(name)
