"""What the operator knows of one kind of object: a copy of the API server's list, kept up to date by a watch.

A watch that dies, silently or not, goes on from where it was; one that is too old begins with a list anew; and every
few minutes the list is read again whatever the watch says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random

from kubemr_shell.errors import Expired, KubemrError
from kubemr_shell.kube.client import KubeClient, Object
from kubemr_shell.kube.resources import Resource
from kubemr_shell.kube.watch import watch
from kubemr_shell.net.retry import pause_seconds
from kubemr_shell.operator.loop import Loop

RESYNC_SECONDS = 300.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0

Key = tuple[str, str]
"""Namespace and name of a job."""


class Informer:
    """Runs in a thread of its own from ``start`` until ``stop`` is set. Any thread may read."""

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        namespace: str | None,
        *,
        labels: str,
        job_of: Callable[[Object], str | None],
        changed: Callable[[Key], None],
        failed: Callable[[KubemrError], None],
        stop: threading.Event,
    ) -> None:
        """``job_of`` names the job of an object; ``changed`` is told of each job that has to be looked at."""
        self._client = client
        self.resource = resource
        self._namespace = namespace
        self._labels = labels
        self._job_of = job_of
        self._changed = changed
        self._say_failed = failed
        self._stop = stop
        self._lock = threading.Lock()
        self._objects: dict[Key, Object] = {}
        self._of_job: dict[Key, dict[str, Object]] = {}
        self.listed = threading.Event()
        """Set once it knows what there is."""
        self.heard_at = time.monotonic()
        """When the server was last heard of."""
        self.trouble = ""
        """The last thing that went wrong."""
        self.loop = Loop(f"informer {resource.plural}", self._run)
        self._random = Random()

    def get(self, namespace: str, name: str) -> Object | None:
        with self._lock:
            return self._objects.get((namespace, name))

    def of_job(self, job: Key) -> list[Object]:
        """The objects of a job, by name."""
        with self._lock:
            found = dict(self._of_job.get(job, {}))
        return [found[name] for name in sorted(found)]

    def keys(self) -> list[Key]:
        """Of all jobs that have an object here."""
        with self._lock:
            return list(self._of_job)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self.loop.begins()
            try:
                since = self._list()
                failures = 0
                self._follow(since)
                continue
            except Expired:
                pass
            except KubemrError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - without this thread the operator would be blind from then on
                self._failed(KubemrError(f"the watch of {self.resource.plural} begins anew, this is a bug: {error!r}"))
            failures += 1
            self._pause(failures)

    def _list(self) -> str:
        answer = self._client.list(self.resource, self._namespace, labels=self._labels)
        current = {_key(one): one for one in answer["items"]}
        with self._lock:
            gone = [one for key, one in self._objects.items() if key not in current]
        for one in gone:
            self._take("DELETED", one)
        for one in current.values():
            self._take("MODIFIED", one)
        self.heard_at = time.monotonic()
        self.listed.set()
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, since: str) -> None:
        """Until it is time to list again; a connection that was cut is no reason to."""
        deadline = time.monotonic() + RESYNC_SECONDS
        failures = 0
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            self.loop.begins()
            try:
                for change, document in watch(
                    self._client,
                    self.resource,
                    self._namespace,
                    since=since,
                    seconds=left,
                    stop=self._stop,
                    labels=self._labels,
                ):
                    self.loop.begins()
                    since = document["metadata"]["resourceVersion"]
                    self.heard_at = time.monotonic()
                    failures = 0
                    if change != "BOOKMARK":
                        self._take(change, document)
                self._stop.wait(FIRST_PAUSE)  # a server that ends each watch at once is not asked all the time
            except Expired:
                raise
            except KubemrError as error:
                self._failed(error)
                failures += 1
                self._pause(failures)

    def _failed(self, error: KubemrError) -> None:
        self.trouble = str(error)
        self._say_failed(error)

    def _pause(self, failures: int) -> None:
        self._stop.wait(pause_seconds(failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE, random=self._random))

    def _take(self, change: str, document: Object) -> None:
        key = _key(document)
        name = self._job_of(document)
        with self._lock:
            if change == "DELETED":
                self._objects.pop(key, None)
            else:
                self._objects[key] = document
            if name is not None:
                of_job = self._of_job.setdefault((key[0], name), {})
                of_job.pop(key[1], None) if change == "DELETED" else of_job.update({key[1]: document})
                if not of_job:
                    del self._of_job[key[0], name]
        if name is not None:
            self._changed((key[0], name))


def _key(document: Object) -> Key:
    return document["metadata"]["namespace"], document["metadata"]["name"]
