"""Removing the state of jobs that nobody works on any more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kubemr_shell.errors import BucketNotFound, JobNotFound
from kubemr_shell.local_run.job_access import end_leftovers
from kubemr_shell.local_run.output import Hold, Output, jobs_in
from kubemr_shell.local_run.output_check import check_no_cluster_job


def clean_output(output: Output, *, force: bool = False) -> None:
    """Remove what jobs have left in an output, and with it the staged parts; what is published stays.

    UsageError where a run on another machine, or a job of a cluster, may be alive in it, but with ``force``.
    JobNotFound where there is nothing to clean; BucketNotFound where not even a bucket, and nothing on this machine.
    """
    try:
        if not output.has_leftovers():
            raise JobNotFound(f"{output.uri}: there is nothing to clean")
        if not force:
            check_no_cluster_job(output)
        hold = output.hold(replace=True, force=force)
    except BucketNotFound:
        if not os.path.isdir(output.state):
            raise
        _clean_here(output)
        return
    with _emptying(hold):
        remove_jobs(output)
        output.sweep()


def _clean_here(output: Output) -> None:
    """With the bucket went all that was in it; what jobs have kept on this machine is of no use any more."""
    with _emptying(output.hold_here()):
        _remove(output, jobs_in(output.state))


@contextmanager
def _emptying(hold: Hold) -> Iterator[None]:
    """Forget the output when the block has ended well; else it stays known that something is left."""
    is_empty = False
    try:
        yield
        is_empty = True
    finally:
        hold.release(forget=is_empty)


def remove_jobs(output: Output, *, but: str | None = None) -> None:
    """Remove all jobs of an output that we own, but one."""
    _remove(output, (uid for uid in output.uids() if uid != but))


def _remove(output: Output, uids: Iterable[str]) -> None:
    for uid in uids:
        job = output.job(uid)
        end_leftovers(job)
        job.remove()
