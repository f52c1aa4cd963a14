"""Removing the state of jobs that nobody works on any more."""

from __future__ import annotations

import os

from kubemr_shell.errors import JobNotFound, UsageError
from kubemr_shell.local_run.job_access import end_leftovers
from kubemr_shell.local_run.job_folder import STATE_NAME, folder_of_output
from kubemr_shell.local_run.state import LOCK, remove_state
from kubemr_shell.storage import ownership


def clean_output(output: str) -> None:
    """Remove ``_kubemr`` from an output folder, and with it the staged parts; what is published stays."""
    state = os.path.join(os.path.abspath(output), STATE_NAME)
    if not os.path.isdir(state):
        raise JobNotFound(f"{output}: there is nothing to clean (no {STATE_NAME} in it)")
    lock = ownership.hold(os.path.join(state, LOCK))
    if lock is None:
        raise UsageError(f"a run is at work in {output}: stop it first")
    try:
        for entry in list(os.scandir(state)):
            if entry.is_dir(follow_symlinks=False):
                job = folder_of_output(os.path.abspath(output), entry.name)
                end_leftovers(job)
                job.remove()
        remove_state(lock)
    finally:
        lock.release()
