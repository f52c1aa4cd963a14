"""The errors that parts have in common, their exit codes, and whether trying again can help.

    KubemrError                      1
      InvalidSpec                    2   all problems, each with its path
      UsageError                     2   flags that contradict, a refused output
      ProtocolMismatch               2   a job of a version of kubemr-shell that does not fit
      JobNotFound                    3
      InputError                     3   an input that is missing, unreadable, corrupt or changed
        InputNotFound, InputChanged, FileChanged, CorruptInput
      JobFailed                      4
      JobCancelled                   5
      Unavailable                    6   retryable
        BoardUnavailable, StorageUnavailable
          UnknownAnswer                  a write whose answer was lost: it may have landed, or may yet
      Forbidden                      7
        CredentialsRefused               those of the object store: others may be on their way
        NamespaceTerminating             nothing can be made in it any more
      BoardError
        Conflict                         a test operation failed: read again, decide again
        AlreadyExists
        CreationRefused                  what a job needs cannot be made
        DocumentNotFound
          UnknownKind                    nothing of that kind is installed
        UnknownField                     what the server would drop
        Expired                          a watch is asked to begin at what the server has forgotten: list again
        LeaseLost                        the claim is no longer ours: drop the work
        IllegalTransition
      StorageError
        ObjectNotFound
          BucketNotFound
        PreconditionFailed               another object stands there than the request was made for
        NoSuchRange                      the object ends before that
        FolderRemoved                    somebody removed a folder that the work needs
        OutOfSpace                       ENOSPC or EDQUOT: the worker stops claiming
      StdoutError                        stdout takes nothing more
        ReaderGone                   0   its reader has all that it wants
      CommandError
        CommandNotStarted
      ShuffleError
        CorruptRun                       retryable: the map task runs again
        RecordTooLarge

What one part alone raises and tells from others stands there: ``RetryRefused`` (board), ``NotInstalled`` (client),
``NoManifest`` (worker), ``WorkerFailed`` (local_run).

Only ``cli`` turns an error into an exit code and prints it. The message of an error names what went wrong,
where, and what to do next; it is written for the person who reads it in a terminal. With which command the job goes on
after that depends on where it runs: ``worker.way_on`` adds it to errors that have a ``Sequel``.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

EXIT_INTERRUPTED = 130
"""Of a run that SIGINT has ended."""
EXIT_TERMINATED = 143
"""Of one that SIGTERM or SIGHUP has ended."""


class Sequel(Enum):
    """What becomes of a job that has met an error, when its user has done what the message asks for."""

    GOES_ON = auto()
    """With what is done already."""
    BEGINS_ANEW = auto()
    """What is done already is lost."""


class KubemrError(Exception):
    """Something of ours failed, for a reason that has a message."""

    exit_code = 1
    retryable = False
    sequel: Sequel | None = None
    """None: the message says it, or it is not for a user to care for."""

    def __init__(self, message: str = "", *, sequel: Sequel | None = None) -> None:
        super().__init__(message)
        if sequel is not None:
            self.sequel = sequel


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a spec: where it stands and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidSpec(KubemrError):
    """The job's description breaks its rules; every problem is listed."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        head = f"{source}: {count}" if source else count
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class UsageError(KubemrError):
    """The call cannot be carried out as it was given."""

    exit_code = 2


class ProtocolMismatch(KubemrError):
    """A job is looked after by another version of kubemr-shell, which writes what this one does not understand."""

    exit_code = 2


class JobNotFound(KubemrError):
    """There is no such job, or nothing is left of it."""

    exit_code = 3


class InputError(KubemrError):
    """An input cannot be used."""

    exit_code = 3


class InputNotFound(InputError):
    """An input that the job names is not there, or cannot be read."""


class InputChanged(InputError):
    """An input is no longer what it was when the job was planned."""


class FileChanged(InputError):
    """A file that commands are given is no longer what it was when the job was planned."""


class CorruptInput(InputError):
    """The bytes of an input break the rules of its compression."""


class JobFailed(KubemrError):
    """A task ran out of attempts, or the job out of time."""

    exit_code = 4


class JobCancelled(KubemrError):
    """Somebody cancelled the job."""

    exit_code = 5


class Unavailable(KubemrError):
    """A service did not answer in time, however often it was asked."""

    exit_code = 6
    retryable = True


class BoardUnavailable(Unavailable):
    """The board could not be read or written. It asked to be left alone for ``retry_after`` seconds."""

    def __init__(self, message: str = "", *, retry_after: float = 0.0, sequel: Sequel | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, sequel=sequel)


class UnknownAnswer(BoardUnavailable):
    """The answer to a write was lost: it may have landed, and may even land later."""


class StorageUnavailable(Unavailable):
    """The storage could not be read or written."""


class Forbidden(KubemrError):
    """A right is missing; the message names it."""

    exit_code = 7


class CredentialsRefused(Forbidden):
    """The object store does not know the credentials, or no longer, or there are none."""


class NamespaceTerminating(Forbidden):
    """The namespace is being deleted: nothing can be made in it any more."""


class BoardError(KubemrError):
    """The board refused something."""


class Conflict(BoardError):
    """A test operation of a patch failed: somebody else was faster."""

    retryable = True


class AlreadyExists(BoardError):
    """A document of that name is there already."""


class CreationRefused(BoardError):
    """Something that a job needs cannot be made; ``reason`` says why in one word."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class DocumentNotFound(BoardError):
    """There is no document of that name."""


class UnknownField(BoardError):
    """The API server does not know a field of the object; its message names it."""


class UnknownKind(DocumentNotFound):
    """The API server knows no such kind of object."""


class Expired(BoardError):
    """The server no longer knows what changed since that resourceVersion: list again."""


class LeaseLost(BoardError):
    """A claim, or a part of one, belongs to another worker now."""


class IllegalTransition(BoardError):
    """An event came in a state in which it means nothing."""


class StorageError(KubemrError):
    """Bytes could not be read or written."""


class ObjectNotFound(StorageError):
    """There is nothing under that URI."""


class BucketNotFound(ObjectNotFound):
    """The server says that there is no such bucket, so there is nothing in it either."""


class PreconditionFailed(StorageError):
    """What stands under that URI is not what the request was made for."""


class NoSuchRange(StorageError):
    """The object ends before the bytes that were asked for."""


_REMOVED = {
    Sequel.GOES_ON: ": see whether a command of the job removes files outside of its own folder",
    Sequel.BEGINS_ANEW: ", and results of the job with it",
}


class FolderRemoved(StorageError):
    """Somebody removed a folder that the work needs, while the work was going on."""

    def __init__(self, folder: str, *, sequel: Sequel) -> None:
        """``sequel`` is GOES_ON for a worker's own folder, and BEGINS_ANEW for one that holds results of the job."""
        super().__init__(f"{folder} was removed while the job runs{_REMOVED[sequel]}", sequel=sequel)


class OutOfSpace(StorageError):
    """The disk, or a quota on it, is full."""

    sequel = Sequel.GOES_ON

    @staticmethod
    def is_cause(error: OSError) -> bool:
        """Whether this is what the operating system means."""
        return error.errno in (errno.ENOSPC, errno.EDQUOT)


class StdoutError(KubemrError):
    """Bytes could not be written to stdout."""


class ReaderGone(StdoutError):
    """The reader of stdout has closed it, as ``head`` does when it has enough."""

    exit_code = 0


class CommandError(KubemrError):
    """The user's command could not do its work."""


class CommandNotStarted(CommandError):
    """The command, its shell or its folder is missing, or it may not be executed."""


class ShuffleError(KubemrError):
    """Records could not be sorted or merged."""


class CorruptRun(ShuffleError):
    """A run file is not what was written: the bytes at ``offset`` of ``path`` are wrong."""

    retryable = True

    def __init__(self, path: str, offset: int, reason: str) -> None:
        self.path = path
        self.offset = offset
        self.reason = reason
        super().__init__(f"{path}: byte {offset}: {reason}")


class RecordTooLarge(ShuffleError):
    """One record does not fit into the memory that a slot has.

    How long it is nobody knows: ``size`` bytes have come so far. Twice the memory, or half of the slots, allows twice
    the length, and more.
    """

    MOST = (1 << 32) - 64
    """Bytes of a record that fit into the format of map outputs; no memory allows more."""

    def __init__(self, record: int, size: int, limit: int, start: bytes) -> None:
        self.record = record
        self.size = size
        self.limit = limit
        self.start = start
        more_memory = "double --memory (of a pod: its memory limit) or halve the slots, or "
        super().__init__(
            f"record {record} of the command's output is longer than {limit} bytes, the most here; it begins with "
            f"{start[:60]!r}: {more_memory if limit < self.MOST else ''}have the command write shorter lines"
        )
