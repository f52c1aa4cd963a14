"""Runs a whole job on this machine, from the request to the exit code."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from kubemr_shell import engine
from kubemr_shell.command.signals import keep_exit_statuses
from kubemr_shell.errors import (
    ReaderGone,
    StdoutError,
    StorageError,
)
from kubemr_shell.inputs.descriptors import STANDARD_INPUT
from kubemr_shell.job.state import JobState
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.job_folder.leftovers import kill_leftovers
from kubemr_shell.local_run.advice import run_advice
from kubemr_shell.local_run.deadline import Deadline
from kubemr_shell.local_run.ending import Stage, closing_job
from kubemr_shell.local_run.failed_job import error_of_failed_job, fail_after_deadline
from kubemr_shell.local_run.list_copy import check_stdin, copy_list
from kubemr_shell.local_run.local_worker import LocalWorker, LocalWorkerOptions
from kubemr_shell.local_run.open_job import open_job
from kubemr_shell.local_run.progress_snapshots import SnapshotReader
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.local_run.stdin_copy import copy_stdin
from kubemr_shell.outputs.contents import read_success
from kubemr_shell.outputs.locate import output_at
from kubemr_shell.outputs.output import Output
from kubemr_shell.outputs.result_stream import write_results
from kubemr_shell.screens.progress import ProgressThread, display_for, show_cursor
from kubemr_shell.screens.summary import summary_lines
from kubemr_shell.signals import Signals, ending_on_signals, stopping_on_signals
from kubemr_shell.storage.locate import scheme_of


class Workforce(Protocol):
    """The workers of a run: one in this process, or several in other processes."""

    def run(self) -> JobState | None:
        """Work until the job has ended, and return its state. Return None after ``stop``."""
        ...

    def stop(self) -> None:
        """Give all claims back and make ``run`` return."""
        ...

    def close(self) -> None:
        """End the workers and release their resources."""
        ...


def run_job(request: RunRequest) -> int:
    """Run a job to its end and return the exit code. Raise JobFailed, with the screen that explains the failure."""
    keep_exit_statuses()
    with ending_on_signals(), run_advice(has_output=request.output is not None).added_to_errors():
        return _run(request)


def _run(request: RunRequest) -> int:
    began = time.monotonic()
    check_stdin(request.spec)
    _say(request, _warnings())
    opened = open_job(request)
    if opened is None:
        _say(request, [f"the result in {request.output} is finished: there is nothing to resume"])
    else:
        with closing_job(opened, has_output=request.output is not None, keep_tmp=request.spec.keep_tmp) as ending:
            _copy_streams(request, opened.job)
            signals = _work_until_complete(request, opened.job)
            if signals is not None:
                ending.is_by_user = True
                return _report_signal(request, signals)
            ending.stage = Stage.COMPLETE
            _deliver_result(request, opened.output, began)
            ending.stage = Stage.DELIVERED
    _print_uris(request)
    return 0


def _copy_streams(request: RunRequest, job: JobFolder) -> None:
    """Copy the streams that only this process can read, and only once: the list of inputs and standard input."""
    is_lasting = not job.is_for_stdout
    copy_list(request.spec, request.folder, job.list_copy, is_lasting=is_lasting)
    if any(name in STANDARD_INPUT for name in request.spec.inputs):
        copy_stdin(job.stdin_copy, is_lasting=is_lasting)


def _work_until_complete(request: RunRequest, job: JobFolder) -> Signals | None:
    """Work until the job is complete. Return the received signals if the user has stopped the run before.

    Raise JobFailed or JobCancelled if the job has ended without a result, also because its time is up.
    """
    state, signals, deadline = _work(request, job)
    if state is None and deadline.passed:
        fail_after_deadline(request, job)
        state = JobState.FAIL
    if state is None:
        return signals
    if state is not JobState.COMPLETE:
        raise error_of_failed_job(request, job)
    return None


def _work(request: RunRequest, job: JobFolder) -> tuple[JobState | None, Signals, Deadline]:
    workforce = _workforce(request, job)
    try:
        with (
            stopping_on_signals(workforce.stop, kill=lambda: _end_at_once(job)) as signals,
            Deadline(request.spec.active_deadline_seconds, workforce.stop) as deadline,
            _progress(request, job),
        ):
            return workforce.run(), signals, deadline
    finally:
        workforce.close()


def _end_at_once(job: JobFolder) -> None:
    kill_leftovers(job)
    show_cursor(sys.stderr)


def _workforce(request: RunRequest, job: JobFolder) -> Workforce:
    if request.workers > 1:
        from kubemr_shell.local_run.supervisor import Supervisor

        return Supervisor(job, request)
    options = LocalWorkerOptions(
        worker=f"w0-{os.urandom(4).hex()}",
        workers=1,
        memory=request.memory,
        environment=request.environment,
        folder=request.folder,
    )
    return LocalWorker(job, options)


@contextmanager
def _progress(request: RunRequest, job: JobFolder) -> Iterator[None]:
    if request.quiet:
        yield
        return
    reader = SnapshotReader(job)
    thread = ProgressThread(display_for(sys.stderr), reader.snapshot, time.monotonic)
    try:
        yield
    finally:
        thread.close()
        reader.close()


def _deliver_result(request: RunRequest, output: Output, began: float) -> None:
    if request.output is None:
        try:
            write_results(output)
        except ReaderGone:
            raise
        except (StdoutError, StorageError) as error:
            kept = f"kept until the next run: kubemr-shell results {shlex.quote(output.uri)}"
            raise type(error)(f"{error}; it is {kept}") from error
    manifest = read_success(output)
    assert manifest is not None
    _say(request, summary_lines(manifest, time.monotonic() - began, request.output or "stdout"))


def _print_uris(request: RunRequest) -> None:
    """Print the URIs of parts in S3 for a program that reads the result. Parts in a folder need no list."""
    if request.output is None or scheme_of(request.output) == "file":
        return
    output = output_at(request.output, request.spec.s3, request.state_home)
    manifest = read_success(output)
    for part in manifest["parts"] if manifest else []:
        sys.stdout.write(f"{output.uri}/{part['name']}\n")
    sys.stdout.flush()


def _report_signal(request: RunRequest, signals: Signals) -> int:
    assert signals.exit_code is not None
    hint = "; continue with --resume" if request.output is not None else ""
    _say(request, [f"stopped by {signals.received.name if signals.received else ''}{hint}"])
    return signals.exit_code


def _warnings() -> list[str]:
    if engine.compiled:
        return []
    return ["the native engine is not built, so this run is slow: install g++ and Python's headers, then reinstall"]


def _say(request: RunRequest, lines: list[str]) -> None:
    if not request.quiet:
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201 - the summary and the warnings are for the user
