"""The progress of jobs for their status, read seldom and from the API server's memory.

A job has up to 1,500 shards, and workers change each shard every few seconds. The figures are for people who look now
and then. ``kubemr-shell status`` reads the shards itself, and so shows exact figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.progress import Progress, progress_of
from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.job.state import Phase
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import SHARDS

SHORTEST_SECONDS = 5.0
"""The least seconds between two readings of a job."""
LONGEST_SECONDS = 60.0
"""The most seconds between two readings, if the last ones found nothing new, as while long tasks run."""
PHASES = (Phase.MAP, Phase.REDUCE)
"""The phases that have figures of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    uid: str
    progress: Progress
    at: float
    activity: int
    """A number that differs from the last one if a shard has changed."""
    pause: float
    """The seconds until the next reading, if the document of the job does not change before."""


class ProgressReader:
    """A reader of the progress of jobs. Any thread may use it. ``clock`` returns seconds and never goes back."""

    def __init__(self, client: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._readings: dict[tuple[str, str], _Reading] = {}

    def read(self, namespace: str, job: str, uid: str, view: JobView) -> Progress | None:
        """Return the progress of a job, at most ``LONGEST_SECONDS`` old; None in a phase without figures.

        Raise KubemrError if the shards cannot be read.
        """
        if view.plan is None or view.phase not in PHASES:
            self.forget(namespace, job)
            return None
        last = self._readings.get((namespace, job))
        if last is not None and last.uid != uid:
            last = None
        now = self._clock()
        has_changed = last is None or _place(last.progress.view) != _place(view)
        if last is not None and now - last.at < (SHORTEST_SECONDS if has_changed else last.pause):
            return last.progress
        shards = self._client.list(SHARDS, namespace, labels=f"{JOB_LABEL}={job}", fresh=False)["items"]
        progress = progress_of(job, view, shards)
        is_new = last is None or has_changed or progress.tasks_done != last.progress.tasks_done
        pause = SHORTEST_SECONDS if last is None or is_new else min(LONGEST_SECONDS, 2 * last.pause)
        activity = hash(frozenset((one["metadata"]["name"], one["metadata"].get("resourceVersion")) for one in shards))
        self._readings[namespace, job] = _Reading(uid=uid, progress=progress, at=now, activity=activity, pause=pause)
        return progress

    def activity(self, namespace: str, job: str) -> int:
        """Return a number that changes if workers have changed a shard between two readings; 0 before the first."""
        reading = self._readings.get((namespace, job))
        return 0 if reading is None else reading.activity

    def forget(self, namespace: str, job: str) -> None:
        """Forget the readings of a job."""
        self._readings.pop((namespace, job), None)


def _place(view: JobView) -> tuple[int, int]:
    """Return the turn and the number of closed tasks of a job. The closing of a shard does not raise the turn."""
    return view.turn, view.closed_tasks(view.phase) if view.phase else 0
