"""The state of runs whose results go to stdout: a folder under the state home, which is removed with the run."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress

from kubemr_shell.errors import Forbidden, KubemrError, ObjectNotFound
from kubemr_shell.job.names import is_uid
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.job_folder.leftovers import kill_leftovers
from kubemr_shell.outputs.output import LOCK, Hold
from kubemr_shell.storage import ownership


class RunHold(Hold):
    """A hold by the lock in the job's own folder. The lock is removed with this folder."""

    def __init__(self, lock: ownership.Ownership) -> None:
        self._lock = lock

    def release(self, *, forget: bool) -> None:  # noqa: ARG002 - the folder is removed in both cases
        self._lock.release()


def own_new_folder(state_home: str, s3: S3Spec) -> tuple[JobFolder, RunHold]:
    """Make and own a folder for one run. Remove the folders of dead runs, because no user can want them any more.

    Raise Forbidden if no folder can be made under the state home.
    """
    home = os.path.join(state_home, "kubemr-shell")
    try:
        _remove_stale(home)
        while True:
            root = os.path.join(home, uuid.uuid4().hex)
            os.makedirs(root, mode=0o700)
            with suppress(ObjectNotFound):  # another run removed the folder before this run had locked it
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
        except KubemrError:  # the folder is gone, belongs to another user, or is not the state of a run
            continue
        if held is None:
            continue
        job = JobFolder(root=entry.path, output="")
        kill_leftovers(job)
        with suppress(KubemrError):  # the storage of the temporaries does not answer: the next run tries again
            job.remove_temporaries()
            shutil.rmtree(entry.path, ignore_errors=True)
        held.release()
