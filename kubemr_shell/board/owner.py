"""Opens the board of a job for a process that reads or changes the job, but does not work on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from random import Random

from kubemr_shell.board.job_board import JobBoard
from kubemr_shell.board.stores.documents import DocumentStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.board.writer import Writer


def _ignore(text: str | None) -> None:
    """Ignore a report of a wait."""


def owner_board(
    store: DocumentStore, job: str, *, timing: Timing, tell: Callable[[str | None], object] = _ignore
) -> JobBoard:
    """Return the board of a job for a process without slots. Raise JobNotFound if there is no such job.

    ``tell``: receives the reason why the process waits, when its requests are refused, and None when it continues.
    """
    random = Random(os.urandom(16))
    writer = Writer(
        store,
        give_up_seconds=timing.give_up_seconds,
        clock=time.monotonic,
        sleep=time.sleep,
        random=random,
        unreachable=lambda: None,
        refusals=timing.refusals(clock=time.monotonic, random=random, tell=tell),
    )
    return JobBoard(writer, job)
