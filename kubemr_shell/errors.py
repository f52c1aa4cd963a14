"""The errors that several parts share, their exit codes, and whether a repetition can help.

    KubemrError                      1
      InvalidSpec                    2   all problems of a spec, each with its path
      UsageError                     2   flags that contradict each other, a refused output
      ProtocolMismatch               2   a job of an incompatible version of kubemr-shell
      JobNotFound                    3
      InputError                     3   an input that is missing, unreadable, corrupt or changed
        InputNotFound, InputChanged, FileChanged
        CorruptInput
          TruncatedInput                 compressed data that ends in the middle of a stream
      JobFailed                      4
      JobCancelled                   5
      Unavailable                    6   retryable
        BoardUnavailable, StorageUnavailable
          UnknownAnswer                  the answer to a write was lost: the write may land now or later
      Forbidden                      7
        CredentialsRefused               credentials of the object store: new ones may follow
        NamespaceTerminating             no object can be created in the namespace any more
      BoardError
        Conflict                         a test operation failed: read again, decide again
        AlreadyExists
        CreationRefused                  an object that a job needs cannot be created
        DocumentNotFound
          UnknownKind                    the API server has no such kind of object
        UnknownField                     a field that the API server would drop
        Expired                          the server no longer has the resourceVersion of a watch: list again
        LeaseLost                        another worker has the claim: drop the work
        IllegalTransition
      JobFolderGone                      a folder with temporaries of the job is gone, so the job may be over
      StorageError
        ObjectNotFound
          BucketNotFound
        PreconditionFailed               the object is not the one that the request is meant for
        NoSuchRange                      the object ends before the requested bytes
        FolderRemoved                    another process removed a folder that the job needs
        OutOfSpace                       ENOSPC or EDQUOT: the worker stops claiming
      StdoutError                        stdout accepts no more bytes
        ReaderGone                   0   the reader of stdout has closed the pipe
      CommandError
        CommandNotStarted
      ShuffleError
        CorruptRun                       the bytes of a file are not the bytes that were written
        MapOutputLost                    retryable: the map task runs again
        RecordTooLarge

An error that only one part raises and catches is defined in that part: ``RetryRefused`` (board), ``NotInstalled``
(client), ``NoManifest`` (worker), ``WorkerFailed`` (local_run).

Only ``cli`` turns an error into an exit code and prints it. The message of an error is for a person at a terminal. It
says what went wrong, where, and what to do next. The command that continues the job depends on the place where the job
runs: ``worker.advice`` adds the command to errors that have a ``Sequel``.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

EXIT_INTERRUPTED = 130
"""The exit code of a run that SIGINT has ended: 128 + 2, as in POSIX shells."""
EXIT_TERMINATED = 143
"""The exit code of a run that SIGTERM or SIGHUP has ended: 128 + 15."""


class Sequel(Enum):
    """The future of a job after an error, when the user has followed the message."""

    GOES_ON = auto()
    """The job continues, and keeps its committed work."""
    BEGINS_ANEW = auto()
    """The job starts again, and its committed work is lost."""


class KubemrError(Exception):
    """An operation of kubemr-shell failed. The message has the reason."""

    exit_code = 1
    """The exit code of a process that ends with this error."""
    retryable = False
    """True if the same operation may succeed when it is repeated."""
    sequel: Sequel | None = None
    """The future of the job. None: the message already says so, or the user need not know."""

    def __init__(self, message: str = "", *, sequel: Sequel | None = None) -> None:
        super().__init__(message)
        if sequel is not None:
            self.sequel = sequel


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem of a spec: the path of the field, and the message that says what is expected."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidSpec(KubemrError):
    """A spec breaks its rules. The message lists every problem."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        head = f"{source}: {count}" if source else count
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class UsageError(KubemrError):
    """A command cannot run with the flags and arguments that it was given."""

    exit_code = 2


class ProtocolMismatch(KubemrError):
    """Another version of kubemr-shell works on the job, and its protocol is unknown to this version."""

    exit_code = 2


class JobNotFound(KubemrError):
    """The job does not exist, or its state was removed."""

    exit_code = 3


class InputError(KubemrError):
    """An input cannot be used."""

    exit_code = 3


class InputNotFound(InputError):
    """An input of the job does not exist or cannot be read."""


class InputChanged(InputError):
    """An input has changed since the job was planned."""


class FileChanged(InputError):
    """A file for the commands has changed since the job was planned."""


class CorruptInput(InputError):
    """The bytes of an input break the rules of its compression."""


class TruncatedInput(CorruptInput):
    """The bytes of an input end in the middle of compressed data."""


class JobFailed(KubemrError):
    """A task failed in all its attempts, or the job exceeded its time limit."""

    exit_code = 4


class JobCancelled(KubemrError):
    """The job was cancelled."""

    exit_code = 5


class Unavailable(KubemrError):
    """A service did not answer in time, also after repeated requests."""

    exit_code = 6
    retryable = True


class BoardUnavailable(Unavailable):
    """The board could not be read or written.

    ``retry_after``: the seconds of pause that the API server asked for; 0 if it asked for no pause.
    """

    def __init__(self, message: str = "", *, retry_after: float = 0.0, sequel: Sequel | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, sequel=sequel)


class UnknownAnswer(BoardUnavailable):
    """The answer to a write was lost. The write may have landed, and may even land later."""


class StorageUnavailable(Unavailable):
    """The storage could not be read or written."""


class Forbidden(KubemrError):
    """A permission is missing. The message names the permission."""

    exit_code = 7


class CredentialsRefused(Forbidden):
    """The credentials of the object store are missing, unknown or no longer valid."""


class NamespaceTerminating(Forbidden):
    """The namespace is being deleted, so no object can be created in it."""


class BoardError(KubemrError):
    """The board refused a request."""


class Conflict(BoardError):
    """A test operation of a patch failed, because another process was faster."""

    retryable = True


class AlreadyExists(BoardError):
    """A document of this name already exists."""


class CreationRefused(BoardError):
    """An object that a job needs cannot be created. ``reason`` is the cause in one word."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class DocumentNotFound(BoardError):
    """A document of this name does not exist."""


class UnknownField(BoardError):
    """The API server does not know a field of the object. The message names the field."""


class UnknownKind(DocumentNotFound):
    """The API server does not know this kind of object."""


class Expired(BoardError):
    """The server no longer has the changes since a resourceVersion, so the caller must list the objects again."""


class LeaseLost(BoardError):
    """Another worker has taken over a claim or a part of a claim."""


class IllegalTransition(BoardError):
    """A job cannot make this transition in its present state."""


class JobFolderGone(KubemrError):
    """A folder with temporaries of the job is gone: the job is over, or another process removed the folder.

    A worker that still holds its claim on the board knows that the job is not over.
    """


class StorageError(KubemrError):
    """Bytes could not be read or written."""


class ObjectNotFound(StorageError):
    """There is no object at a URI."""


class BucketNotFound(ObjectNotFound):
    """The bucket of a URI does not exist."""


class PreconditionFailed(StorageError):
    """The object at a URI is not the one that the request is meant for."""


class NoSuchRange(StorageError):
    """The object ends before the requested bytes."""


_REMOVED = {
    Sequel.GOES_ON: ": see whether a command of the job removes files outside of its own folder",
    Sequel.BEGINS_ANEW: ", and results of the job with it",
}


class FolderRemoved(StorageError):
    """Another process removed a folder while the job needed the folder."""

    def __init__(self, folder: str, *, sequel: Sequel) -> None:
        """Make the error. ``sequel`` is GOES_ON for a worker's folder, BEGINS_ANEW for one with results of the job."""
        super().__init__(f"{folder} was removed while the job runs{_REMOVED[sequel]}", sequel=sequel)


class OutOfSpace(StorageError):
    """The disk, or a quota on it, is full."""

    sequel = Sequel.GOES_ON

    @staticmethod
    def is_cause(error: OSError) -> bool:
        """Return whether an error of the operating system means a full disk or quota."""
        return error.errno in (errno.ENOSPC, errno.EDQUOT)


class StdoutError(KubemrError):
    """Bytes could not be written to stdout."""


class ReaderGone(StdoutError):
    """The reader of stdout has closed the pipe, as ``head`` does when it has enough lines."""

    exit_code = 0


class CommandError(KubemrError):
    """The user's command failed."""


class CommandNotStarted(CommandError):
    """The command could not start.

    The command, its shell, its folder or a file of the job is missing or may not be executed, or an archive of the job
    cannot be unpacked.
    """

    exit_code = JobFailed.exit_code


class ShuffleError(KubemrError):
    """Records could not be sorted or merged."""


class CorruptRun(ShuffleError):
    """A run file is damaged: the bytes at ``offset`` of ``path`` are not the bytes that were written."""

    retryable = True

    def __init__(self, path: str, offset: int, reason: str) -> None:
        self.path = path
        self.offset = offset
        self.reason = reason
        super().__init__(f"{path}: byte {offset}: {reason}")


class MapOutputLost(ShuffleError):
    """The output of a committed map attempt is missing or damaged, so its task has to run again."""

    retryable = True

    def __init__(self, task: int, attempt: int, message: str) -> None:
        self.task = task
        self.attempt = attempt
        super().__init__(message)


class RecordTooLarge(ShuffleError):
    """A record does not fit into the memory of a slot.

    The full size of the record is unknown: ``size`` is the number of bytes read so far, and ``limit`` is the greatest
    size. Twice the memory, or half of the slots, allows records of at least twice this size.
    """

    MOST = (1 << 32) - 64
    """The greatest size of a record in the format of map outputs, in bytes, whatever the memory."""

    def __init__(self, record: int, size: int, limit: int, start: bytes) -> None:
        self.record = record
        self.size = size
        self.limit = limit
        self.start = start
        more_memory = "double --memory (of a pod: its memory limit) or halve the slots, or "
        super().__init__(
            f"record {record} of the command's output is longer than {limit} bytes, the limit here; it begins with "
            f"{start[:60]!r}: {more_memory if limit < self.MOST else ''}have the command write shorter lines"
        )
