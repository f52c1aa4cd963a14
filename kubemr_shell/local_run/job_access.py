"""Access to a job for its owner, who is not a worker: reads the board, and ends what dead workers left running."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.command.orphans import kill_marked, kill_recorded
from kubemr_shell.errors import BoardUnavailable, JobNotFound, UsageError
from kubemr_shell.local_run.job_folder import JOB_NAME, JobFolder
from kubemr_shell.storage import ownership

PATIENCE_SECONDS = 15.0
"""The seconds to wait for a worker to end. A worker needs less, even to end commands that ignore signals."""


@contextmanager
def open_board(job: JobFolder) -> Iterator[Board]:
    """Yield the board of a job, for a process that does not work on the job."""
    store = SqliteStore(job.board, create=False)
    try:
        yield Board(
            store,
            JOB_NAME,
            f"owner-{os.urandom(4).hex()}",
            slots=1,
            workers=1,
            timing=Timing.local(),
            clock=time.monotonic,
            random=Random(os.urandom(16)),
        )
    finally:
        store.close()


def has_begun(job: JobFolder) -> bool:
    """Return whether the job has anything that a resume could continue with: a copy of a stream, or a plan."""
    if os.path.exists(job.stdin_copy) or os.path.exists(job.list_copy):
        return True
    try:
        with open_board(job) as board:
            return board.view().plan is not None
    except (BoardUnavailable, JobNotFound):  # another error has already reported the damaged board
        return True


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
