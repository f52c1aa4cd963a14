"""Follows a job of the cluster: by a watch, or by polling where the user may not watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event

from kubemr_shell.board.stores.documents import JOB_LABEL, Document
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.errors import Expired, Forbidden, JobNotFound, Unavailable
from kubemr_shell.kube.status import status_of

LOOK_SECONDS = 10.0
"""The most seconds between two complete reads of the job, whatever the watch reports."""
POLL_SECONDS = 2.0
"""The seconds between two reads if the user may not watch jobs."""
PAUSE_SECONDS = 1.0
"""The seconds between two requests while the API server does not answer."""
PATIENCE_SECONDS = 300.0
"""The seconds for which the API server may be unavailable before the command gives up."""
SILENT_SECONDS = 10.0
"""The seconds after which the user is told that no operator has processed the job yet."""
HINT = "is kubemr-shell's operator installed (kubemr-shell install) and running, and does it look after this namespace?"
"""The question for a user whose job no operator processes."""
NO_OPERATOR = f"no operator has looked at it yet: {HINT}"
"""The message about a job that no operator has processed."""

Say = Callable[[str], None]
"""A function that shows a message to the user."""


class Followed:
    """A job that is followed until it is gone or ``stop`` is set. ``say`` receives each message for the user once."""

    def __init__(
        self, jobs: Jobs, name: str, *, uid: str, stop: Event, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._jobs = jobs
        self._name = name
        self._uid = uid
        self._stop = stop
        self._say = say
        self._clock = clock
        self._said: set[str] = set()

    def until(self, is_it: Callable[[Document], bool], *, seconds: float | None = None) -> Document | None:
        """Wait until ``is_it`` accepts the job, and return the job. Return None after ``stop`` or after ``seconds``.

        Raise JobNotFound if the job is deleted, and Unavailable if the API server does not answer for PATIENCE_SECONDS.
        """
        began = self._clock()
        for document in self._states(None if seconds is None else began + seconds):
            if is_it(document):
                return document
            if not is_processed(document) and self._clock() - began >= SILENT_SECONDS:
                self._tell(f"job {self._name}: {NO_OPERATOR}")
        return None

    def until_gone(self) -> bool:
        """Wait until the job is gone, and return True. Return False after ``stop``."""
        began = self._clock()

        def look(_: Document) -> bool:
            if self._clock() - began >= SILENT_SECONDS:
                where = f"-n {self._jobs.namespace}"
                self._tell(
                    f"{self._name} waits for its workers to end, and for a pod that removes its temporaries. After 10 "
                    "minutes it no longer waits, or after an hour if no node has room for that pod. Its pods: "
                    f"kubectl get pods {where} -l {JOB_LABEL}={self._name}. If it has none: "
                    f"kubectl describe mapreducejob {where} {self._name} names the hindrance. If it names none: {HINT}"
                )
            return False

        try:
            self.until(look)
        except JobNotFound:
            return True
        return False

    def _states(self, deadline: float | None) -> Iterator[Document]:
        """Yield the current job, and again after each change, and at least every LOOK_SECONDS."""
        heard_at = self._clock()
        while not self._is_over(deadline):
            try:
                document = self._own(self._jobs.get(self._name))
            except Unavailable as error:
                if self._clock() - heard_at > PATIENCE_SECONDS:
                    raise
                self._tell(f"{error}; asking again")
                self._stop.wait(PAUSE_SECONDS)
                continue
            heard_at = self._clock()
            yield document
            try:
                yield from self._changes(document, deadline)
            except Forbidden:
                self._stop.wait(POLL_SECONDS)
            except Unavailable:
                self._stop.wait(PAUSE_SECONDS)
            except Expired:
                continue

    def _changes(self, document: Document, deadline: float | None) -> Iterator[Document]:
        left = LOOK_SECONDS if deadline is None else min(LOOK_SECONDS, deadline - self._clock())
        since = str(document["metadata"]["resourceVersion"])
        for change, changed in self._jobs.watch(self._name, since=since, seconds=max(left, 1.0), stop=self._stop):
            if change == "DELETED":
                raise self._deleted()
            if change != "BOOKMARK":
                yield self._own(changed)

    def _own(self, document: Document) -> Document:
        if document["metadata"]["uid"] != self._uid:
            raise self._deleted()
        return document

    def _deleted(self) -> JobNotFound:
        return JobNotFound(f"{self._name}: the job was deleted")

    def _is_over(self, deadline: float | None) -> bool:
        return self._stop.is_set() or (deadline is not None and self._clock() >= deadline)

    def _tell(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def is_processed(document: Document) -> bool:
    """Return whether an operator has processed a job."""
    return "state" in status_of(document)
