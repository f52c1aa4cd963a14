"""Reads the progress of a job from the board and from the reports of the workers."""

from __future__ import annotations

import time

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.progress import read_progress
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.state import Phase
from kubemr_shell.job_folder.folder import JOB_NAME, JobFolder
from kubemr_shell.screens.progress import Snapshot
from kubemr_shell.worker.meter import read_meters


class SnapshotReader:
    """A reader of a job's progress. The thread that first asks opens a connection of its own to the board."""

    def __init__(self, job: JobFolder) -> None:
        self._job = job
        self._store: SqliteStore | None = None

    def snapshot(self) -> Snapshot | None:
        """Return the current progress, or None if the board cannot be read."""
        try:
            self._store = self._store or SqliteStore(self._job.board, create=False)
            progress = read_progress(self._store, JOB_NAME)
        except KubemrError:
            return None
        view = progress.view
        if view.phase is None or view.plan is None:
            return Snapshot(phase="plan")
        reports = [self._job.worker_file(worker, "progress") for worker in self._job.workers()]
        meters = read_meters(reports, now=time.monotonic())
        return Snapshot(
            phase=view.phase.value,
            tasks_done=progress.tasks_done,
            tasks=view.layout(view.phase).tasks,
            bytes_done=meters.bytes_done(view.phase),
            bytes_total=_bytes_total(view, view.phase),
            retries=progress.retries,
            status=meters.status,
        )

    def close(self) -> None:
        """Close the connection to the board."""
        if self._store is not None:
            self._store.close()


def _bytes_total(view: JobView, phase: Phase) -> int:
    """Return the bytes that a phase reads: map tasks read the inputs, reduce tasks the map outputs. 0: not known."""
    if phase is Phase.MAP and view.plan is not None:
        return view.plan.input_bytes
    if phase is Phase.REDUCE:
        return int(view.totals.get(Phase.MAP, {}).get("bytesOut", 0))
    return 0
