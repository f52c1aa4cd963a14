"""Where a run writes: a folder, or a prefix in S3, and with each a local folder for the state of its jobs.

What is asked of both is here; what only S3 needs is in ``prefix_output``.
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
STATE_OF_PREFIX = "s3-"
"""Begins the names, under the state home, of folders with the state of an output in S3."""
READ_BYTES = 1 << 20


class Hold(Protocol):
    """An output that this process owns."""

    def release(self, *, forget: bool) -> None:
        """Give it up; ``forget``: no job has state in it any more, so nothing of ours but a result stays."""
        ...


class Output(ABC):
    """A place for results."""

    uri: str
    """An absolute path, or ``s3://bucket/prefix`` without a slash at its end."""
    kind: str
    """What a person calls it."""
    s3: S3Spec
    storage: Storage
    state: str
    """The local folder with the state of its jobs."""

    @property
    def success(self) -> str:
        return f"{self.uri}/{SUCCESS}"

    def job(self, uid: str) -> JobFolder:
        return JobFolder(root=os.path.join(self.state, uid), output=self.uri, s3=self.s3)

    def unfinished(self) -> JobFolder | None:
        """The job that can be resumed from this machine, if there is one."""
        uid = unfinished_uid(self.state)
        return None if uid is None else self.job(uid)

    def find_job(self) -> JobFolder:
        """Like ``unfinished``; JobNotFound where there is none."""
        job = self.unfinished()
        if job is None:
            raise JobNotFound(
                f"{self.uri}: there is no unfinished or failed job (a finished one keeps its state with --keep-tmp)"
            )
        return job

    @abstractmethod
    def names(self) -> list[str]:
        """What stands directly in it, in order; UsageError for a place that can hold nothing."""

    @abstractmethod
    def uids(self) -> list[str]:
        """Every job that left something: in its state here, or in the output."""

    @abstractmethod
    def has_leftovers(self) -> bool:
        """Whether anything stands in it, or in its state here, that is no result."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove what dead workers have begun to write in it and nobody knows any more. No job has outputs staged."""

    def unowned(self) -> list[str]:
        """The uids of jobs of a cluster that have something here: what no run owns, and whatever says so itself."""
        return []

    @abstractmethod
    def hold(self, *, replace: bool, force: bool = False) -> Hold:
        """Own it; UsageError when a living run does.

        ``replace``: a job whose state is elsewhere may be forgotten; ``force``: even if it may be alive.
        """

    def hold_here(self) -> Hold:
        """Own what is of it on this machine, where there is nothing else: its bucket is gone."""
        return self.hold(replace=True)

    @abstractmethod
    def read_part(self, name: str) -> Generator[bytes]:
        """The bytes of a part; ObjectNotFound."""


class FolderOutput(Output):
    """A folder; the state of its jobs is in ``_kubemr`` in it."""

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
        """All that is staged is in the state of a job."""

    def hold(self, *, replace: bool, force: bool = False) -> Hold:  # noqa: ARG002 - no job of it is elsewhere
        while True:
            try:
                self.storage.make_folder(self.state)
                lock = ownership.hold(os.path.join(self.state, LOCK))
            except ObjectNotFound:
                if not os.path.isdir(self.uri):
                    raise  # a place like /proc, where no folder can be made
                continue  # another run has just ended, and removed its state
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
    """The lock in the folder with the state."""

    def __init__(self, lock: ownership.Ownership) -> None:
        self._lock = lock

    def release(self, *, forget: bool) -> None:
        if forget:
            os.unlink(self._lock.path)
            with suppress(OSError):  # another run may already be at work in it
                os.rmdir(os.path.dirname(self._lock.path))
        self._lock.release()


def output_at(uri: str, s3: S3Spec, state_home: str) -> Output:
    """The output that a user means; UsageError for a place where nothing can be kept."""
    if scheme_of(uri) == "s3":
        from kubemr_shell.local_run.prefix_output import PrefixOutput  # noqa: PLC0415 - folders need no S3

        return PrefixOutput(uri, s3, state_home)
    return FolderOutput(os.path.abspath(path_of(uri)), s3)


def jobs_in(path: str) -> list[str]:
    """Return the uids of the jobs with a folder directly in this one, which may be missing.

    A job whose removal was begun and not finished is one of them.
    """
    try:
        with os.scandir(path) as entries:
            names = {entry.name.removeprefix(ASIDE) for entry in entries if entry.is_dir(follow_symlinks=False)}
    except FileNotFoundError:
        return []
    return sorted(filter(is_uid, names))
