"""The informer keeps the operator's copy of one kind of object up to date, by a list and then by a watch.

A watch that breaks, silently or not, continues from its last resourceVersion. If the server has forgotten that version,
the informer lists again. It also lists again every ``RESYNC_SECONDS``, whatever the watch has said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

from kubemr_shell.errors import Expired, KubemrError
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import Resource
from kubemr_shell.kube.watch import watch
from kubemr_shell.operator.loop import Loop
from kubemr_shell.operator.object_cache import Key, ObjectCache, key_of
from kubemr_shell.waits.retry import pause_seconds

RESYNC_SECONDS = 300.0
"""The seconds between two lists."""
FIRST_PAUSE = 0.5
"""The seconds of the pause after the first failure."""
LONGEST_PAUSE = 15.0
"""The seconds of the longest pause after repeated failures."""


class Informer:
    """A thread that keeps ``objects`` up to date from its start until ``stop`` is set."""

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        namespace: str | None,
        *,
        labels: str,
        objects: ObjectCache[Any],
        changed: Callable[[Key], None],
        failed: Callable[[KubemrError], None],
        stop: threading.Event,
    ) -> None:
        """``changed`` is called with the key of each job that must be reconciled.

        ``failed`` is called with each error. ``labels`` is a label selector.
        """
        self._client = client
        self.resource = resource
        self._namespace = namespace
        self._labels = labels
        self._changed = changed
        self._say_failed = failed
        self._stop = stop
        self.objects = objects
        self.listed = threading.Event()
        """Set after the first complete list."""
        self.heard_at = time.monotonic()
        """The monotonic time of the last news from the server, in seconds."""
        self.trouble = ""
        """The text of the last error; empty before the first."""
        self.loop = Loop(f"informer {resource.plural}", self._run)
        self._random = Random()

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
                self._failed(KubemrError(f"the watch of {self.resource.plural} starts again; this is a bug: {error!r}"))
            failures += 1
            self._pause(failures)

    def _list(self) -> str:
        """Read all objects, page by page. Return the resourceVersion from which a watch continues."""
        gone, since = self.objects.keys(), ""
        for page in self._client.pages(self.resource, self._namespace, labels=self._labels):
            self.loop.begins()
            since = str(page["metadata"]["resourceVersion"])
            for document in page["items"]:
                gone.discard(key_of(document))
                self._tell(self.objects.put(document))
        for key in gone:
            self._tell(self.objects.remove(key))
        self.heard_at = time.monotonic()
        self.listed.set()
        return since

    def _follow(self, since: str) -> None:
        """Follow the changes until the next list is due. After a cut connection, continue without a list."""
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
                    if change == "DELETED":
                        self._tell(self.objects.remove(key_of(document)))
                    elif change != "BOOKMARK":
                        self._tell(self.objects.put(document))
                self._stop.wait(FIRST_PAUSE)  # spare a server that ends each watch at once
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

    def _tell(self, job: Key | None) -> None:
        if job is not None:
            self._changed(job)
