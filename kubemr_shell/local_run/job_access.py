"""What the owner of a job does with it who does not work on it: ask its board, end what dead workers left running."""

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
from kubemr_shell.errors import BoardUnavailable
from kubemr_shell.local_run.job_folder import JOB_NAME, JobFolder


@contextmanager
def open_board(job: JobFolder) -> Iterator[Board]:
    """The board of a job, for whoever does not work on it."""
    store = SqliteStore(job.board, create=False)
    try:
        yield Board(
            store,
            JOB_NAME,
            f"owner-{os.urandom(4).hex()}",
            slots=1,
            agents=1,
            timing=Timing.local(),
            clock=time.monotonic,
            random=Random(os.urandom(16)),
        )
    finally:
        store.close()


def has_begun(job: JobFolder) -> bool:
    """Whether there is anything that a resumption could go on with."""
    if os.path.exists(job.stdin_copy):
        return True
    try:
        with open_board(job) as board:
            return board.view().plan is not None
    except BoardUnavailable:  # that has been said already
        return True


def kill_leftovers(job: JobFolder) -> None:
    """End the commands of workers that were killed. The caller owns the job, so none of its workers lives."""
    for worker in job.workers():
        kill_recorded(job.worker_file(worker, "groups"), job.marker)
    kill_marked([job.marker])


def kill_leftovers_of(job: JobFolder, worker: str) -> None:
    """End the commands of one worker that was killed."""
    kill_recorded(job.worker_file(worker, "groups"), job.marker)
    kill_marked([job.marker, f"KUBEMR_WORKER={worker}".encode()])
