"""The outputs of runs: a folder, or a prefix in S3. Each has a local folder for the state of its jobs.

This module holds the common interface and the folder; ``prefix_output`` holds the prefix.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import suppress
from typing import Protocol

from kubemr_shell.errors import JobNotFound, ObjectNotFound, UsageError
from kubemr_shell.job.names import SUCCESS, is_uid
from kubemr_shell.job.spec import S3Spec
from kubemr_shell.local_run.job_folder import STATE_NAME, JobFolder, unfinished_uid
from kubemr_shell.storage import ownership
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import ASIDE, LocalStorage, path_of
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.storage.os_errors import explained

LOCK = "owner.lock"
"""The name of the lock file in a state folder. The run that owns the output holds this lock."""
STATE_OF_PREFIX = "s3-"
"""The beginning of the names, under the state home, of folders with the state of an output in S3."""
READ_BYTES = 1 << 20
"""The bytes of a part that are read at a time."""


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
        """Remove what dead workers began to write and no job refers to. No job may have staged parts in the output."""

    def unowned(self) -> list[str]:
        """Return the uids of cluster jobs that left something here, that is, of jobs that no run on a machine owns.

        If the owner of something is a run, ``hold`` reports this instead.
        """
        return []

    @abstractmethod
    def hold(self, *, replace: bool, force: bool = False) -> Hold:
        """Own the output. Raise UsageError if a living run owns it.

        With ``replace``, a job whose state is elsewhere may be forgotten; with ``force``, even if it may be alive.
        """

    def hold_here(self) -> Hold:
        """Own the local state of an output whose bucket is gone."""
        return self.hold(replace=True)

    @abstractmethod
    def read_part(self, name: str) -> Generator[bytes]:
        """Yield the bytes of a part. Raise ObjectNotFound if the part does not exist."""


class FolderOutput(Output):
    """A folder as an output. The state of its jobs is in its subfolder ``_kubemr``."""

    kind = "folder"

    def __init__(self, path: str, s3: S3Spec = S3Spec()) -> None:  # noqa: B008 - frozen
        self.uri = path
        self.s3 = s3
        self.storage = LocalStorage()
        self.state = os.path.join(path, STATE_NAME)

    def names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.uri))
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            raise UsageError(f"the output {self.uri} is a file: give a folder with -o") from error
        except OSError as error:
            raise explained(error, self.uri) from error

    def uids(self) -> list[str]:
        return jobs_in(self.state)

    def has_leftovers(self) -> bool:
        try:
            names = os.listdir(self.state)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return not names or any(name == LOCK or is_uid(name.removeprefix(ASIDE)) for name in names)

    def sweep(self) -> None:
        """Do nothing: everything that is staged in a folder is in the state of a job."""

    def hold(self, *, replace: bool, force: bool = False) -> Hold:  # noqa: ARG002 - the state is never elsewhere
        while True:
            try:
                self.storage.make_folder(self.state)
                lock = ownership.hold(os.path.join(self.state, LOCK))
            except ObjectNotFound:
                if not os.path.isdir(self.uri):
                    raise  # no folder can be made here, for example in /proc
                continue  # another run has just ended and removed its state
            if lock is None:
                raise UsageError(f"another run is at work in {self.uri}: wait for it, or choose another folder")
            return LocalHold(lock)

    def read_part(self, name: str) -> Generator[bytes]:
        path = os.path.join(self.uri, name)
        try:
            with open(path, "rb", buffering=0) as file:
                while data := file.read(READ_BYTES):
                    yield data
        except OSError as error:
            raise explained(error, path) from error


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


def output_at(uri: str, s3: S3Spec, state_home: str) -> Output:
    """Return the output that a user names. Raise UsageError for a place where nothing can be kept."""
    if scheme_of(uri) == "s3":
        from kubemr_shell.local_run.prefix_output import PrefixOutput  # noqa: PLC0415 - folders need no S3

        return PrefixOutput(uri, s3, state_home)
    return FolderOutput(os.path.abspath(path_of(uri)), s3)


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
