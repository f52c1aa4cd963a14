"""The state of runs whose results go to stdout: a folder under the state home that is gone with its run."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress

from kubemr_shell.errors import Forbidden, KubemrError, ObjectNotFound
from kubemr_shell.job.names import is_uid
from kubemr_shell.job.spec import S3Spec
from kubemr_shell.local_run.job_access import kill_leftovers
from kubemr_shell.local_run.job_folder import JobFolder
from kubemr_shell.local_run.output import LOCK, Hold
from kubemr_shell.storage import ownership


class RunHold(Hold):
    """The lock in the job's own folder, with which it is removed."""

    def __init__(self, lock: ownership.Ownership) -> None:
        self._lock = lock

    def release(self, *, forget: bool) -> None:  # noqa: ARG002 - nothing is left either way
        self._lock.release()


def own_new_folder(state_home: str, s3: S3Spec) -> tuple[JobFolder, RunHold]:
    """A folder for one run; those that others have left are removed, as nobody can want them any more."""
    home = os.path.join(state_home, "kubemr-shell")
    try:
        _remove_stale(home)
        while True:
            root = os.path.join(home, uuid.uuid4().hex)
            os.makedirs(root, mode=0o700)
            with suppress(ObjectNotFound):  # another run took the folder, not yet locked, for a stale one
                lock = ownership.hold(os.path.join(root, LOCK))
                if lock is not None:
                    return JobFolder(root=root, output=os.path.join(root, "results"), s3=s3), RunHold(lock)
    except OSError as error:
        raise Forbidden(
            f"{home}: the state of a run cannot be kept there ({error.strerror}): "
            "set XDG_STATE_HOME to another folder, or give an output folder with -o"
        ) from error


def _remove_stale(home: str) -> None:
    try:
        entries = list(os.scandir(home))
    except FileNotFoundError:
        return
    for entry in entries:
        if not is_uid(entry.name):
            continue
        try:
            held = ownership.hold(os.path.join(entry.path, LOCK))
        except KubemrError:  # gone since, or no run of ours, or another user's
            continue
        if held is None:
            continue
        job = JobFolder(root=entry.path, output="")
        kill_leftovers(job)
        with suppress(KubemrError):  # where its temporaries are does not answer: tried again by the next run
            job.remove_temporaries()
            shutil.rmtree(entry.path, ignore_errors=True)
        held.release()
