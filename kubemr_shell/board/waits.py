"""What a worker says while its requests are refused: to its log, and in the status of its job.

``status.waits`` is one entry for all workers of a job: ``{"worker": NAME, "message": TEXT}``. The operator shows it as
a condition as long as that worker lives. Writing it is tried once each time and may fail: then the log alone says it.
"""

from __future__ import annotations

from collections.abc import Callable

from kubemr_shell.board.documents import Document, DocumentStore
from kubemr_shell.board.json_patch import add, remove, test
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.kinds import JOB_KIND

LONGEST_MESSAGE = 1000


class Waits:
    """Tells for one worker what it waits for."""

    def __init__(self, store: DocumentStore, job: str, worker: str, log: Callable[[str], object]) -> None:
        self._store = store
        self._job = job
        self._worker = worker
        self._log = log
        self._told = ""
        self._uid: str | None = None

    def of(self, uid: str) -> None:
        """Write to the status of the job with this uid from now on, and of no other one of its name."""
        self._uid = uid

    def tell(self, text: str | None) -> None:
        """Say what the worker waits for, or with None that it goes on. The same text twice is said once in the log."""
        if text != self._told:
            self._log(text or "the requests of this worker are no longer refused: it goes on")
        self._told = text or ""
        if self._uid is None:
            return
        try:
            self._write(self._uid, text)
        except KubemrError:
            return  # the next refusal tells again

    def _write(self, uid: str, text: str | None) -> None:
        document = self._store.get(JOB_KIND, self._job, fresh=False)
        told = waits_of(document)
        teller = told[0] if told else None
        is_of_this_job = test("/metadata/uid", uid)
        if text is None:
            if teller == self._worker:
                ours = test("/status/waits/worker", self._worker)
                self._store.patch(JOB_KIND, self._job, [is_of_this_job, ours, remove("/status/waits")])
        elif teller is None or teller in (document["status"].get("lost") or ()):
            entry = {"worker": self._worker, "message": text[:LONGEST_MESSAGE]}
            self._store.patch(JOB_KIND, self._job, [is_of_this_job, add("/status/waits", entry)])


def waits_of(document: Document) -> tuple[str, str] | None:
    """Return the worker that waits by the status of a job, and what for; None if none says so.

    Whatever runs in a pod may have written the status, and anything into it.
    """
    entry = (document.get("status") or {}).get("waits")
    if not isinstance(entry, dict) or not isinstance(entry.get("worker"), str):
        return None
    return entry["worker"], str(entry.get("message", ""))[:LONGEST_MESSAGE]
