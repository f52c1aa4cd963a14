"""Opens the board of a job for its owner, who is not a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.board.job_board import JobBoard
from kubemr_shell.board.owner import owner_board
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.errors import BoardUnavailable, JobNotFound
from kubemr_shell.job_folder.folder import JOB_NAME, JobFolder


@contextmanager
def open_board(job: JobFolder) -> Iterator[JobBoard]:
    """Yield the board of a job, for a process that does not work on the job."""
    store = SqliteStore(job.board, create=False)
    try:
        yield owner_board(store, JOB_NAME, timing=Timing.local())
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
