"""Waits for the end of a job, with or without a display of its progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from kubemr_shell.board.stores.documents import Document
from kubemr_shell.client.ending import failure_of, has_ended, result_lines
from kubemr_shell.client.following import Followed, Say
from kubemr_shell.client.hindrance import hindrance_of, way_out
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.client.status import snapshot_of
from kubemr_shell.client.views import view_of
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.state import ENDED
from kubemr_shell.screens.progress import ProgressThread, Snapshot, display_for, show_cursor
from kubemr_shell.signals import stopping_on_signals

SNAPSHOT_SECONDS = 2.0
"""The least seconds between two reads of the job and its shards, however often the display wants a snapshot."""


def wait_for_end(jobs: Jobs, document: Document, *, shows: bool, flags: str, say: Say) -> int:
    """Wait until a job has ended, and return its exit code, or that of the signal that ended the waiting.

    With ``shows``, show the progress. Raise JobFailed or JobCancelled, with the reason, if the job has not succeeded.
    """
    name, stop = document["metadata"]["name"], Event()
    with (
        stopping_on_signals(stop.set, kill=lambda: show_cursor(sys.stderr)) as signals,
        _shown(jobs, name, shows=shows),
    ):
        last = way = ""

        def is_over(seen: Document) -> bool:
            nonlocal last, way
            hindrance = hindrance_of(seen)
            if hindrance and hindrance != last:
                say(hindrance)
                before, way = way, way_out(seen, flags)
                if way != before:
                    say(f"  {way}")
            last = hindrance
            return has_ended(seen)

        followed = Followed(jobs, name, uid=document["metadata"]["uid"], stop=stop, say=say)
        ended = followed.until(is_over)
    if ended is None:
        say(f"stopped waiting; the job continues: kubemr-shell status {name}{flags}, or cancel {name}{flags} to end it")
        return signals.exit_code or 0
    failure = failure_of(ended, flags)
    if failure is not None:
        raise failure
    for line in result_lines(view_of(ended)):
        say(line)
    return 0


@contextmanager
def _shown(jobs: Jobs, name: str, *, shows: bool) -> Iterator[None]:
    if not shows:
        yield
        return

    def snapshot() -> Snapshot | None:
        try:
            progress = jobs.progress(name)
        except KubemrError:
            return None
        return None if progress.view.state in ENDED else snapshot_of(progress)

    display = display_for(sys.stderr)
    display.seconds = max(display.seconds, SNAPSHOT_SECONDS)
    thread = ProgressThread(display, snapshot, time.monotonic)
    try:
        yield
    finally:
        thread.close()
