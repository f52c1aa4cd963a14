"""The run of a command for one attempt: its folder, its environment, and the result for the task."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from kubemr_shell.board.steps import Attempt
from kubemr_shell.command.environment import AttemptFacts, attempt_environment
from kubemr_shell.command.explain import explain
from kubemr_shell.command.process import AttemptRequest, Drain, Feed, Outcome, Runner
from kubemr_shell.command.scratch import Scratch, folder_needed
from kubemr_shell.command.space import watched_space
from kubemr_shell.errors import (
    CommandError,
    CommandNotStarted,
    FileChanged,
    InputError,
    JobFolderGone,
    MapOutputLost,
    RecordTooLarge,
    Unavailable,
)
from kubemr_shell.job import names
from kubemr_shell.job.names import INPUT_LIST
from kubemr_shell.job.spec import Command
from kubemr_shell.job.split import Split
from kubemr_shell.job.state import Phase
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import NOBODY, Cancelled
from kubemr_shell.worker.attempt_results import AttemptEnded, Dropped, Failed, Spoiled
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.meter import Status

if TYPE_CHECKING:
    from kubemr_shell.inputs.input_files import InputFiles

STDERR_KEPT_BYTES = 2000
"""The bytes of stderr, counted from its end, that the facts of a failure contain."""
INPUTS_KEPT = 8
"""The number of inputs that the facts of a failure name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An attempt with its command and its input: all that the message of a failure has to name."""

    phase: Phase
    attempt: Attempt
    command: Command | None
    """The command; None if the job has no reduceCommand, so that the merged lines are the output."""
    split: Split | None = None
    files: InputFiles | None = None
    """The files that the command reads from its folder, if it does not read its input on stdin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """The feed of a command's stdin and the drain of its stdout."""

    feed: Feed
    drain: Drain


class Commands:
    """The runner of the commands of one slot."""

    def __init__(self, job: JobContext, scratch: Scratch, on_start: Callable[[int], None]) -> None:
        self._job = job
        self._scratch = scratch
        self._on_start = on_start
        self._runner = Runner()
        self.status: Status | None = None
        """The last ``reporter:status:`` text of the running command. Any thread may read it."""

    def close(self) -> None:
        """Release the resources of the runner."""
        self._runner.close()

    def run(self, subject: Subject, streams: Streams, cancel: Flag, *, log_suffix: str = "") -> Outcome:
        """Run a command until it succeeds. Raise AttemptEnded if it fails or is cancelled, or an input is spoiled."""
        assert subject.command is not None
        try:
            outcome = self._run(subject, subject.command, streams, cancel, log_suffix)
        except (CommandError, InputError, Unavailable) as error:
            raise_end(subject, error)
        except Cancelled as error:
            raise AttemptEnded(Dropped(attempt=subject.attempt)) from error
        finally:
            self.status = None
        if cancel.is_set():
            raise AttemptEnded(Dropped(attempt=subject.attempt))
        if (changed := self._scratch.changed_file()) is not None:
            reason = f"{changed}: changed since the job was planned: the results would mix two versions of the file"
            raise AttemptEnded(_failed(subject, kind=FileChanged.__name__, reason=reason, final=True))
        for problem in (outcome.feed_error, outcome.drain_error):
            if problem is not None:
                raise_end(subject, problem)
        if outcome.timed_out or outcome.exit_status not in self._job.spec.ok_exit_codes:
            raise AttemptEnded(self._ended_badly(subject, outcome))
        return outcome

    def _run(self, subject: Subject, command: Command, streams: Streams, cancel: Flag, log_suffix: str) -> Outcome:
        job = self._job
        label = f"{subject.phase.value}/{names.attempt_name(*subject.attempt)}{log_suffix}"
        name = f"{job.worker}.{subject.phase.value}-{names.attempt_name(*subject.attempt)}"

        def keep_status(text: str) -> None:
            task = names.task_label(subject.phase, subject.attempt.task)
            self.status = Status(time.monotonic(), f"{task}: {text}") if text else None

        with (
            self._scratch.attempt(name) as folder,
            environment_of(job, subject, command, folder, cancel.fd) as environment,
        ):
            return self._runner.run(
                AttemptRequest(
                    command=command,
                    feed=streams.feed,
                    drain=streams.drain,
                    folder=folder,
                    environment=environment,
                    timeout_seconds=job.spec.timeout_seconds,
                    niceness=job.spec.nice,
                    log_path=job.workspace.log(subject.phase, *subject.attempt) + log_suffix,
                    cancel=cancel,
                    echo=job.echo.of(label) if job.echo else None,
                    on_start=self._on_start,
                    on_status=keep_status,
                )
            )

    def _ended_badly(self, subject: Subject, outcome: Outcome) -> Failed:
        if outcome.timed_out:
            kind = "CommandTimedOut"
            reason = (
                f"the command read and wrote nothing for {self._job.spec.timeout_seconds:g} s, although input or its "
                "end was ready, and was stopped: raise timeoutSeconds if it may be silent for longer (0: no limit)"
            )
        else:
            kind = "CommandFailed"
            reason = explain(outcome.exit_status, outcome.signal)
        return _failed(
            subject,
            kind=kind,
            reason=reason,
            exit_status=outcome.exit_status,
            signal=outcome.signal,
            stderr=outcome.stderr_head + outcome.stderr_tail,
        )


def raise_end(subject: Subject, error: BaseException) -> NoReturn:
    """Raise AttemptEnded for an error of a feed or a drain. Raise the error itself if the attempt is not the cause."""
    if isinstance(error, MapOutputLost):
        lost = (Attempt(error.task, error.attempt),)
        raise AttemptEnded(Spoiled(attempt=subject.attempt, phase=Phase.MAP, lost=lost, reason=str(error))) from error
    if isinstance(error, JobFolderGone):
        raise AttemptEnded(Dropped(attempt=subject.attempt, cause=error)) from error
    if isinstance(error, (InputError, RecordTooLarge, CommandNotStarted)):
        raise AttemptEnded(_failed(subject, kind=type(error).__name__, reason=str(error), final=True)) from error
    if isinstance(error, (Unavailable, CommandError)):
        raise AttemptEnded(_failed(subject, kind=type(error).__name__, reason=str(error))) from error
    raise error


@contextmanager
def environment_of(
    job: JobContext, subject: Subject, command: Command, folder: str, cancel_fd: int = NOBODY
) -> Iterator[dict[str, str]]:
    """Yield the environment variables of an attempt that runs in ``folder``. Put its input files there.

    Raise the errors of ``InputFiles.placed``.
    """
    with _input_list(folder, subject, cancel_fd) as input_list:
        facts = _facts(job, subject, input_list)
        yield attempt_environment(job.environment, facts, job.user_environment, folder=folder, command=command)


def _facts(job: JobContext, subject: Subject, input_list: str | None) -> AttemptFacts:
    pieces = subject.split.pieces if subject.split else ()
    only = pieces[0] if len(pieces) == 1 else None
    return AttemptFacts(
        job_name=job.name,
        job_id=job.uid,
        phase=subject.phase.value,
        task=subject.attempt.task,
        attempt=subject.attempt.attempt,
        maps=job.maps,
        partitions=job.partitions,
        worker=job.worker,
        output=job.workspace.output,
        cpus=job.cpus,
        input_uri=only.uri if only else None,
        input_start=only.start if only else 0,
        input_length=only.end - only.start if only and only.end is not None else None,
        input_files=input_list,
    )


@contextmanager
def _input_list(folder: str, subject: Subject, cancel_fd: int) -> Iterator[str | None]:
    """Yield the path of a file with the names of the inputs, or None if the only input is read on stdin.

    The names are those of the files in the folder, or the URIs of inputs that are read on stdin.
    """
    if subject.files is not None:
        with subject.files.placed(folder, cancel_fd) as names, _list_of(folder, names) as path:
            yield path
    elif subject.split is None or len(subject.split.pieces) < 2:
        yield None
    else:
        with _list_of(folder, [piece.uri for piece in subject.split.pieces]) as path:
            yield path


@contextmanager
def _list_of(folder: str, names: Sequence[str]) -> Iterator[str]:
    """Write a file with one name in each line, and yield its path.

    Raise CommandNotStarted if a file or an archive of the job has the name of this file.
    """
    path = os.path.join(folder, INPUT_LIST)
    try:
        # Mode x creates the file. A link with this name leads to a file of the user, which must not be overwritten.
        with watched_space(path), folder_needed(folder), open(path, "xb") as file:
            file.write(b"".join(os.fsencode(name) + b"\n" for name in names))
    except FileExistsError as error:
        raise CommandNotStarted(
            f"{INPUT_LIST}: is the name of a file or an archive of the job, and of the list of inputs in "
            "the folder of each attempt: give the file another name there, as in "
            f"files: [{INPUT_LIST}#NAME]"
        ) from error
    try:
        yield path
    finally:
        with suppress(OSError):  # the command may have removed or replaced the file
            os.unlink(path)


def _failed(
    subject: Subject,
    *,
    kind: str,
    reason: str,
    exit_status: int | None = None,
    signal: int | None = None,
    stderr: bytes = b"",
    final: bool = False,
) -> Failed:
    """Return a failure as the board keeps it, with all facts that the screen about a failed job shows."""
    return Failed(
        attempt=subject.attempt,
        final=final,
        failure={
            "task": names.task_label(subject.phase, subject.attempt.task),
            "attempt": subject.attempt.attempt,
            "kind": kind,
            "reason": reason,
            "command": list(subject.command) if isinstance(subject.command, tuple) else subject.command,
            "exitStatus": exit_status,
            "signal": signal,
            "inputs": _inputs(subject.split),
            "stderr": stderr[-STDERR_KEPT_BYTES:].decode("utf-8", "backslashreplace"),
        },
    )


def _inputs(split: Split | None) -> list[dict[str, object]]:
    pieces = split.pieces[:INPUTS_KEPT] if split else ()
    return [{"uri": piece.uri, "start": piece.start, "end": piece.end, "size": piece.size} for piece in pieces]
