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

from kubemr_shell.board.documents import JOB_LABEL
from kubemr_shell.board.kubernetes import KubernetesStore
from kubemr_shell.board.progress import Progress, read_progress
from kubemr_shell.errors import DocumentNotFound, InvalidSpec, KubemrError, NamespaceTerminating
from kubemr_shell.job.validate import load_job
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.marks import FILES_ANNOTATION, ROLE_LABEL, WORKER, are_files_of
from kubemr_shell.kube.resources import BATCH_JOBS, CONFIG_MAPS, JOBS, PODS, Resource
from kubemr_shell.operator import manifests
from kubemr_shell.operator.act import Actor
from kubemr_shell.operator.actions import Action
from kubemr_shell.operator.deletion import end_with_namespace
from kubemr_shell.operator.informer import Informer, Key, Object
from kubemr_shell.operator.observation import Observation, owned
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.reconcile import reconcile
from kubemr_shell.operator.work_queue import WorkQueue

THREADS = 4
AGAIN_SECONDS = 0.2
FAILED_SECONDS = 5.0
SETTLE_SECONDS = 0.5
"""Changes of pods that come together, as when many start, are looked at together."""
PUZZLED_SECONDS = 30.0
"""Until a job is looked at again whose status is not what anybody writes."""
SILENT_SECONDS = 200.0
"""After which an informer that heard nothing makes the operator unhealthy; a bookmark comes each minute."""


class Operator:
    """``run`` until ``stop``. ``identity`` is told in events; ``now`` gives seconds since 1970."""

    def __init__(
        self, client: KubeClient, options: OperatorOptions, *, identity: str, now: Callable[[], float]
    ) -> None:
        self._client = client
        self._options = options
        self._now = now
        self._stop = threading.Event()
        self._queue: WorkQueue[Key] = WorkQueue()
        self._actor = Actor(client, identity, now)
        self.counts: Counter[str] = Counter()
        """What was done so far: reconciled, acted, refused, failed."""
        self._jobs = self._informer(JOBS, "", lambda job: str(job["metadata"]["name"]))
        self._batches = self._informer(BATCH_JOBS, JOB_LABEL, _label_of)
        self._pods = self._informer(PODS, f"{JOB_LABEL},{ROLE_LABEL}={WORKER}", _label_of, settle=SETTLE_SECONDS)

    def run(self) -> None:
        for informer in self._informers:
            informer.start()
        threads = [threading.Thread(target=self._work, name=f"reconciler {n}", daemon=True) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        self._stop.wait()
        self._queue.close()
        for thread in threads:
            thread.join(timeout=10)

    def stop(self) -> None:
        """Any thread, any signal handler."""
        self._stop.set()

    @property
    def is_ready(self) -> bool:
        """It knows what there is."""
        return all(informer.listed.is_set() for informer in self._informers)

    @property
    def is_healthy(self) -> bool:
        """The API server was heard of lately by each watch."""
        now = time.monotonic()
        return all(now - informer.heard_at < SILENT_SECONDS for informer in self._informers)

    def states(self) -> Counter[str]:
        """How many jobs there are in each state."""
        found = (self._jobs.get(*key) for key in self._jobs.keys())  # noqa: SIM118 - no mapping
        return Counter(str((job.get("status") or {}).get("state", "NEW")) for job in found if job)

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

    def _work(self) -> None:
        for informer in self._informers:
            while not informer.listed.wait(0.2):
                if self._stop.is_set():
                    return
        while (key := self._queue.take()) is not None:
            try:
                self._reconcile(key)
            except KubemrError as error:
                self.counts["failed"] += 1
                self._say(error, key)
                self._queue.add(key, FAILED_SECONDS)
            except Exception as error:  # noqa: BLE001 - a worker may write anything into the status of its job
                self.counts["failed"] += 1
                self._say(KubemrError(f"its status makes no sense, or this is a bug: {error!r}"[:300]), key)
                self._queue.add(key, PUZZLED_SECONDS)
            finally:
                self._queue.done(key)

    def _reconcile(self, key: Key) -> None:
        self.counts["reconciled"] += 1
        job = self._jobs.get(*key)
        if job is None:
            return
        seen = self._observe(key, job)
        decision = reconcile(seen, self._options)
        try:
            again_after = AGAIN_SECONDS if not self._carry_out(seen, decision.actions) else decision.again_after
        except NamespaceTerminating:
            self._end_with(key[0])
            again_after = AGAIN_SECONDS
        if again_after is not None:
            self._queue.add(key, again_after)

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
                seen = self._outline(key, job)
                self._carry_out(seen, end_with_namespace(seen))

    def _outline(self, key: Key, job: Object) -> Observation:
        """A job with what was made for it, and no more."""
        namespace, name = key
        return Observation(
            job={"apiVersion": JOBS.api_version, "kind": JOBS.kind, **job},
            batch=owned(self._batches.get(namespace, _batch_name(job)), job),
            cleanup=owned(self._batches.get(namespace, manifests.cleanup_name(name)), job),
            now=self._now(),
        )

    def _observe(self, key: Key, job: Object) -> Observation:
        known = self._outline(key, job)
        batch = _batch_name(job)
        owner, is_gone = self._output_owner(key, dict(known.job))
        return replace(
            known,
            pods=[pod for pod in self._pods.of_job(key) if _batch_of(pod) == batch],
            output_owner=owner,
            output_owner_is_gone=is_gone,
            files_are_missing=self._files_are_missing(key, job),
            progress=self._progress(key, job),
        )

    def _output_owner(self, key: Key, job: Object) -> tuple[str | None, bool]:
        """The uid of the job that owns the output, and whether that job is gone.

        Asked for once in the life of a job: when it waits to be deployed.
        """
        if (job.get("status") or {}).get("state") != "PENDING":
            return None, False
        try:
            output = manifests.output_of(
                Observation(job=job, batch=None, cleanup=None, now=0.0), load_job(job, key[1]).spec, self._options
            )
            if output is None:
                return None, False
            found = self._client.get(CONFIG_MAPS, key[0], manifests.owner_name(output))
        except (DocumentNotFound, InvalidSpec):
            return None, False
        uid, owner = str(found["data"]["uid"]), self._jobs.get(key[0], str(found["data"]["job"]))
        return uid, owner is None or owner["metadata"]["uid"] != uid

    def _files_are_missing(self, key: Key, job: Object) -> bool:
        """Asked for while it waits to be deployed."""
        name = (job["metadata"].get("annotations") or {}).get(FILES_ANNOTATION)
        if name is None or (job.get("status") or {}).get("state") != "PENDING":
            return False
        try:
            return not are_files_of(self._client.get(CONFIG_MAPS, key[0], name), job)
        except DocumentNotFound:
            return True

    def _progress(self, key: Key, job: Object) -> Progress | None:
        if "deletionTimestamp" in job["metadata"] or (job.get("status") or {}).get("state") not in ("MAP", "REDUCE"):
            return None
        try:
            return read_progress(KubernetesStore(self._client, key[0]), key[1])
        except DocumentNotFound:
            return None

    def _say(self, error: KubemrError, key: Key | None = None) -> None:
        where = f"{key[0]}/{key[1]}: " if key else ""
        sys.stderr.write(f"kubemr-shell operator: {where}{error}\n")
        sys.stderr.flush()


def _batch_name(job: Object) -> str:
    """Of the workers; a number that is none counts for nothing."""
    retry = (job.get("status") or {}).get("retry")
    return manifests.batch_name(str(job["metadata"]["name"]), retry if isinstance(retry, int) else 0)


def _label_of(document: Object) -> str | None:
    name = (document["metadata"].get("labels") or {}).get(JOB_LABEL)
    return None if name is None else str(name)


def _batch_of(pod: Object) -> str | None:
    """The batch Job that made a pod."""
    return next(
        (str(one["name"]) for one in pod["metadata"].get("ownerReferences") or () if one["kind"] == "Job"), None
    )
