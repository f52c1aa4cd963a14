"""Removing the state of jobs that nobody works on any more."""

from __future__ import annotations

from kubemr_shell.errors import JobNotFound
from kubemr_shell.local_run.job_access import end_leftovers
from kubemr_shell.local_run.output import Output


def clean_output(output: Output, *, force: bool = False) -> None:
    """Remove what jobs have left in an output, and with it the staged parts; what is published stays.

    ``force``: also where a run on another machine owns the output, which may be alive.
    """
    if not output.has_leftovers():
        raise JobNotFound(f"{output.uri}: there is nothing to clean")
    hold = output.hold(replace=True, force=force)
    is_empty = False
    try:
        remove_jobs(output)
        output.sweep()
        is_empty = True
    finally:
        hold.release(forget=is_empty)


def remove_jobs(output: Output, *, but: str | None = None) -> None:
    """Remove all jobs of an output that we own, but one."""
    for uid in output.uids():
        if uid != but:
            job = output.job(uid)
            end_leftovers(job)
            job.remove()
