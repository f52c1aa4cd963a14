"""Ends the processes that dead workers of a job left running on this machine."""

from __future__ import annotations

import time

from kubemr_shell.command.orphans import kill_marked, kill_recorded
from kubemr_shell.errors import UsageError
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.storage import ownership

PATIENCE_SECONDS = 15.0
"""The seconds to wait for a worker to end. A worker needs less, even to end commands that ignore signals."""


def end_leftovers(job: JobFolder) -> None:
    """Wait until the workers of a killed supervisor have stopped, then end the processes that they left running.

    The caller must own the job. Such workers stop by themselves. Raise UsageError if one does not, for example because
    it is suspended.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while alive := [worker for worker in job.workers() if ownership.is_held(job.worker_file(worker, "lock"))]:
        if time.monotonic() > deadline:
            raise UsageError(f"{job.root}: worker {alive[0]} of a killed run is still alive: end its process first")
        time.sleep(0.02)
    kill_leftovers(job)


def kill_leftovers(job: JobFolder) -> None:
    """Kill the commands of all workers of the job, without waiting."""
    for worker in job.workers():
        kill_recorded(job.worker_file(worker, "groups"), job.marker)
    kill_marked([job.marker])


def kill_leftovers_of(job: JobFolder, worker: str) -> None:
    """Kill the commands of one worker that was killed."""
    kill_recorded(job.worker_file(worker, "groups"), job.marker)
    kill_marked([job.marker, f"KUBEMR_WORKER={worker}".encode()])
