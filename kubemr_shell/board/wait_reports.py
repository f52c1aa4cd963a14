"""The reports of a worker whose requests are refused: in its log, and in the status of its job.

``status.waits`` is one entry for all workers of a job: ``{"worker": NAME, "message": TEXT}``. While this worker lives,
the operator shows the entry as a condition of the job. Each report tries one write of the entry. If the write fails,
only the log has the report.
"""

from __future__ import annotations

from collections.abc import Callable

from kubemr_shell.board.stores.documents import Document, DocumentStore
from kubemr_shell.board.stores.json_patch import add, remove, test
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.kinds import JOB_KIND

LONGEST_MESSAGE = 1000
"""The greatest length of the message in ``status.waits``, in characters."""


class WaitReports:
    """The reports of one worker about its waits."""

    def __init__(self, store: DocumentStore, job: str, worker: str, log: Callable[[str], object]) -> None:
        self._store = store
        self._job = job
        self._worker = worker
        self._log = log
        self._told = ""
        self._uid: str | None = None

    def of(self, uid: str) -> None:
        """Write from now on to the status of the job with this uid, and to no other job of the same name."""
        self._uid = uid

    def tell(self, text: str | None) -> None:
        """Report why the worker waits. With None, report that it continues. The log gets a repeated text only once."""
        if text != self._told:
            self._log(text or "the requests of this worker are no longer refused: the worker continues")
        self._told = text or ""
        if self._uid is None:
            return
        try:
            self._write(self._uid, text)
        except KubemrError:
            return  # the next refusal reports again

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
    """Return the name of the worker that waits, and its message, from the status of a job; None if no worker waits.

    Any program in a pod may have written the entry, so its content is not trusted.
    """
    entry = (document.get("status") or {}).get("waits")
    if not isinstance(entry, dict) or not isinstance(entry.get("worker"), str):
        return None
    return entry["worker"], str(entry.get("message", ""))[:LONGEST_MESSAGE]
