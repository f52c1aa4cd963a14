"""The common interface of outputs. An output is a folder (``folder_output``) or a prefix in S3 (``prefix_output``).

Each output has a local folder for the state of its jobs.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import suppress
from typing import Protocol

from kubemr_shell.errors import JobNotFound
from kubemr_shell.job.names import SUCCESS, is_uid
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.job_folder.find import unfinished_uid
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.storage import ownership
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import ASIDE

LOCK = "owner.lock"
"""The name of the lock file in a state folder. The run that owns the output holds this lock."""
STATE_OF_PREFIX = "s3-"
"""The beginning of the names, under the state home, of folders with the state of an output in S3."""


class Hold(Protocol):
    """An output that this process owns."""

    def release(self, *, forget: bool) -> None:
        """Give the output up. With ``forget``, no job has state in it any more, so remove everything but a result."""
        ...


class Output(ABC):
    """A place for results."""

    uri: str
    """The absolute path, or ``s3://bucket/prefix`` without a slash at its end."""
    kind: str
    """The word for the output in messages."""
    s3: S3Spec
    storage: Storage
    state: str
    """The path of the local folder with the state of the output's jobs."""

    @property
    def success(self) -> str:
        """Return the URI of the file ``_SUCCESS``."""
        return f"{self.uri}/{SUCCESS}"

    def job(self, uid: str) -> JobFolder:
        """Return the state folder of the job ``uid``. It need not exist."""
        return JobFolder(root=os.path.join(self.state, uid), output=self.uri, s3=self.s3)

    def unfinished(self) -> JobFolder | None:
        """Return the job that can be resumed from this machine, or None."""
        uid = unfinished_uid(self.state)
        return None if uid is None else self.job(uid)

    def find_job(self) -> JobFolder:
        """Return the job that can be resumed from this machine. Raise JobNotFound if there is none."""
        job = self.unfinished()
        if job is None:
            raise JobNotFound(
                f"{self.uri}: there is no unfinished or failed job (a finished one keeps its state with --keep-tmp)"
            )
        return job

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names directly in the output, in order. Raise UsageError for a place that can hold nothing."""

    @abstractmethod
    def uids(self) -> list[str]:
        """Return the uids of all jobs that left something, in the local state or in the output."""

    @abstractmethod
    def has_leftovers(self) -> bool:
        """Return whether jobs have left anything in the output or in its local state, apart from results."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove files of dead workers to which no job refers. No job may have staged parts in the output."""

    def cluster_jobs(self) -> list[str]:
        """Return the uids of cluster jobs that left something in the output. No run on a machine owns these jobs.

        ``hold`` reports what a run on a machine owns.
        """
        return []

    @abstractmethod
    def hold(self, *, replace: bool, force: bool = False) -> Hold:
        """Take the output for this process. Raise UsageError if it belongs to another run that may not be replaced.

        ``replace``: take it even if an unfinished job has its state elsewhere.
        ``force``: take it even if this machine cannot tell whether the other run is alive. A run that is
        known to be alive keeps the output.
        """

    def hold_local_state(self) -> Hold:
        """Own the local state of an output whose bucket is gone."""
        return self.hold(replace=True)

    @abstractmethod
    def read_part(self, name: str) -> Generator[bytes]:
        """Yield the bytes of a part. Raise ObjectNotFound if the part does not exist."""


class LocalHold(Hold):
    """A hold by the lock in the state folder alone."""

    def __init__(self, lock: ownership.Ownership) -> None:
        self._lock = lock

    def release(self, *, forget: bool) -> None:
        if forget:
            os.unlink(self._lock.path)
            with suppress(OSError):  # another run may already use the folder
                os.rmdir(os.path.dirname(self._lock.path))
        self._lock.release()


def jobs_in(path: str) -> list[str]:
    """Return the uids of the jobs that have a folder directly in ``path``, which may be missing.

    This includes jobs whose removal was begun but not finished.
    """
    try:
        with os.scandir(path) as entries:
            names = {entry.name.removeprefix(ASIDE) for entry in entries if entry.is_dir(follow_symlinks=False)}
    except FileNotFoundError:
        return []
    return sorted(filter(is_uid, names))
