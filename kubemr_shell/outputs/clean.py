"""Removes the state of jobs that no worker works on any more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kubemr_shell.errors import BucketNotFound, JobNotFound
from kubemr_shell.job_folder.leftovers import end_leftovers
from kubemr_shell.outputs.checks import check_no_cluster_job_for_clean
from kubemr_shell.outputs.output import Hold, Output, jobs_in


def clean_output(output: Output, *, force: bool = False) -> None:
    """Remove the state and the staged parts that jobs have left in an output. Published parts stay.

    Raise UsageError if a run on another machine, or a job of a cluster, may be alive in the output, unless ``force``
    is set. Raise JobNotFound if there is nothing to clean. Raise BucketNotFound if the bucket does not exist and this
    machine has no state either.
    """
    try:
        if not output.has_leftovers():
            raise JobNotFound(f"{output.uri}: there is nothing to clean")
        if not force:
            check_no_cluster_job_for_clean(output)
        hold = output.hold(replace=True, force=force)
    except BucketNotFound:
        if not os.path.isdir(output.state):
            raise
        _clean_here(output)
        return
    with _released_at_end(hold):
        remove_jobs(output)
        output.sweep()


def _clean_here(output: Output) -> None:
    """Remove the state on this machine of jobs whose bucket is gone. This state has no use without the bucket."""
    with _released_at_end(output.hold_local_state()):
        _remove(output, jobs_in(output.state))


@contextmanager
def _released_at_end(hold: Hold) -> Iterator[None]:
    """Release the hold after the block. Forget the output only if the block has ended without an error.

    After an error the output stays known, because some state may be left in it.
    """
    is_empty = False
    try:
        yield
        is_empty = True
    finally:
        hold.release(forget=is_empty)


def remove_jobs(output: Output, *, keep: str | None = None) -> None:
    """Remove all jobs of an output except the job with the uid ``keep``. This process must own the output."""
    _remove(output, (uid for uid in output.uids() if uid != keep))


def _remove(output: Output, uids: Iterable[str]) -> None:
    for uid in uids:
        job = output.job(uid)
        end_leftovers(job)
        job.remove()
