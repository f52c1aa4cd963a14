"""Runs one task of a job again, alone: with the same input, command and environment, in this terminal."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.steps import Attempt
from kubemr_shell.command.niceness import with_niceness
from kubemr_shell.command.orphans import kill_marked
from kubemr_shell.command.process import Feed
from kubemr_shell.command.signals import ignore_only_here
from kubemr_shell.command.start import SHELL
from kubemr_shell.errors import CommandNotStarted, JobNotFound, UsageError
from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from kubemr_shell.job.validate import spec_from_mapping
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.local_run.local_worker import LocalWorkerOptions, job_context
from kubemr_shell.signals import ending_on_signals
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.commands import Subject, environment_of
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.job_files import files_of
from kubemr_shell.worker.map_outputs import map_outputs_of
from kubemr_shell.worker.map_task import input_of
from kubemr_shell.worker.memory import MemoryPlan
from kubemr_shell.worker.reduce_task import partition_feed
from kubemr_shell.worker.splits import PlannedSplits

NOT_EXECUTABLE, NOT_FOUND, FIRST_SIGNAL = 126, 127, 128
"""The exit statuses of a POSIX shell: program not executable, program not found, base to which a signal is added."""
GRACE_SECONDS = 5.0
"""The seconds between SIGTERM and SIGKILL for a command that must end."""


def debug_task(job: JobFolder, label: str, environment: Mapping[str, str], memory: MemoryPlan) -> int:
    """Run the task ``label`` and return the exit status of its command, as a shell gives it.

    The command writes to the stdout and stderr of this process. Raise UsageError if the job has no such task, if the
    task has no command, or if its input is not there yet. Raise JobNotFound if the job has no plan yet.
    """
    try:
        phase, task = names.parse_task_label(label)
    except ValueError as error:
        raise UsageError(f"{label}: {error}") from error
    with open_board(job) as board:
        view = board.view()
    if view.plan is None:
        raise JobNotFound(f"{job.output}: the job was not planned yet, so it has no tasks")
    options = LocalWorkerOptions(
        worker=f"debug-{os.getpid()}", workers=1, memory=memory, environment=environment, folder=os.getcwd()
    )
    with job.worker_scratch(options.worker) as scratch:
        context = job_context(job, view, spec_from_mapping(view.spec), options, scratch=scratch)
        feed, subject = _subject(context, view, phase, task)
        if subject.command is None:
            raise UsageError(f"{label}: the job has no reduceCommand, so there is no command to run")
        return _run(context, subject, feed)


def _subject(context: JobContext, view: JobView, phase: Phase, task: int) -> tuple[Feed, Subject]:
    tasks = view.layout(phase).tasks
    if phase is Phase.PUBLISH or task >= tasks:
        raise UsageError(f"{names.task_label(phase, task)}: the job has no such task ({tasks} {phase.value} tasks)")
    attempt = Attempt(task, 0)
    if phase is Phase.REDUCE:
        if not view.is_closed(Phase.MAP):
            raise UsageError(f"{names.task_label(phase, task)}: not every map task is done, so its input is not there")
        feed = partition_feed(context, map_outputs_of(context), view, task)
        return feed, Subject(phase=phase, attempt=attempt, command=context.spec.reduce_command)
    assert view.plan is not None
    plan_id = view.plan.claim_id
    splits = PlannedSplits(context.workspace, lambda: plan_id)
    split = splits.of_task(task)
    map_feed, files = input_of(context, split, splits.header_of(split))
    return map_feed, Subject(phase=phase, attempt=attempt, command=context.spec.map_command, split=split, files=files)


def _run(context: JobContext, subject: Subject, feed: Feed) -> int:
    """Run the command and return its exit status, as a shell gives it.

    A signal that stops this process also ends the command and all processes that the command has started.
    """
    command = subject.command
    assert command is not None
    ignore_only_here()
    arguments = [SHELL, "-c", command] if isinstance(command, str) else list(command)
    with (
        ending_on_signals(),
        files_of(context).scratch.attempt(context.worker) as folder,
        environment_of(context, subject, command, folder) as environment,
    ):
        try:
            process = with_niceness(context.spec.nice, lambda: _start(arguments, folder, environment))
            status = _until_end(process, feed)
        except KeyboardInterrupt:
            kill_marked([f"KUBEMR_JOB_ID={context.uid}".encode(), f"KUBEMR_WORKER={context.worker}".encode()])
            raise
    return status if status >= 0 else FIRST_SIGNAL - status


def _start(arguments: list[str], folder: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(arguments, cwd=folder, env=environment, stdin=subprocess.PIPE)
    except OSError as error:
        refusal = CommandNotStarted(f"{arguments[0]}: {error.strerror}")
        refusal.exit_code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        raise refusal from error


def _until_end(process: subprocess.Popen[bytes], feed: Feed) -> int:
    """Feed the command and return its status. If an error interrupts this, end the command, then raise the error."""
    try:
        _feed(process, feed)
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _feed(process: subprocess.Popen[bytes], feed: Feed) -> None:
    assert process.stdin is not None
    cancel = Flag()
    try:
        os.set_blocking(process.stdin.fileno(), False)
        feed(process.stdin.fileno(), cancel.fd)
    finally:
        process.stdin.close()
        cancel.close()
