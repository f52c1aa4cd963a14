"""Turns a request into a job folder with a job on its board: a new job, or the job that is resumed."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace

from kubemr_shell.board.job_board import create_job
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import KubemrError, UsageError
from kubemr_shell.job.derive import resolve
from kubemr_shell.job.validate import spec_to_mapping
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import JOB_NAME, JobFolder
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.outputs.checks import check_no_cluster_job_for_run, check_output, check_whole
from kubemr_shell.outputs.clean import remove_jobs
from kubemr_shell.outputs.contents import OutputContents, look_at_output
from kubemr_shell.outputs.folder_output import FolderOutput
from kubemr_shell.outputs.input_overlap import check_apart, check_tmp_apart
from kubemr_shell.outputs.locate import output_at
from kubemr_shell.outputs.output import Hold, Output, jobs_in
from kubemr_shell.outputs.stdout_state import own_new_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A job that this process owns, with its output and the hold on this output."""

    job: JobFolder
    output: Output
    hold: Hold


def open_job(request: RunRequest) -> Opened | None:
    """Own the output and make or resume a job. Raise UsageError if flags or files do not allow it.

    Return None if ``--resume`` finds a finished result, so that nothing is left to do.
    """
    if request.tmp is not None:
        check_tmp_apart(request.tmp, request.spec.inputs, request.folder)
    if request.output is None:
        return _new_without_output(request)
    check_apart(request.output, request.spec.inputs, request.folder)
    output = output_at(request.output, request.spec.s3, request.state_home)
    check_no_cluster_job_for_run(output)
    found = look_at_output(output)
    if found.unfinished is None:  # otherwise a run may be at work on the job: only ``hold`` can tell
        check_output(output, found, resume=request.resume, overwrite=request.overwrite)
    hold = output.hold(replace=request.overwrite)
    try:
        check_no_cluster_job_for_run(
            output
        )  # again: from now on, a job of a cluster sees that this run owns the output
        found = look_at_output(output)
        check_output(output, found, resume=request.resume, overwrite=request.overwrite)
        job = _job_in_output(request, output, found)
        remove_jobs(output, keep=job.uid if job else None)
    except BaseException:
        with suppress(KubemrError):
            hold.release(forget=not jobs_in(output.state))
        raise
    if job is None:
        hold.release(forget=True)
        return None
    return Opened(job=job, output=output, hold=hold)


def _job_in_output(request: RunRequest, output: Output, found: OutputContents) -> JobFolder | None:
    """Return the job to work on, or None if the result is finished."""
    if request.resume and found.unfinished is not None:
        from kubemr_shell.local_run.resume import resume_job

        return resume_job(found.unfinished, request.spec, output=output, found=found, tmp=request.tmp)
    if request.resume and found.success is not None:
        check_whole(output, found)
        return None
    job = output.job(uuid.uuid4().hex)
    _create(request, job, old_parts=found.old_parts)
    output.sweep()
    return job


def _create(request: RunRequest, job: JobFolder, *, old_parts: tuple[str, ...] | None) -> None:
    """Make the job. The board appears last, in one step, so that a folder with a board has everything a job needs."""
    try:
        job.make(name=request.name, old_parts=old_parts, tmp=request.tmp)
    except KubemrError:
        with suppress(KubemrError):
            job.remove()
        raise
    begun = replace(job, board_name=f"{job.board_name}.new")
    spec = resolve(request.spec, slots=request.memory.slots)
    store = SqliteStore(begun.board)
    try:
        create_job(store, name=JOB_NAME, uid=job.uid, spec=spec_to_mapping(spec))
    finally:
        store.close()
    with open_board(begun) as board:
        board.deploy()
    os.rename(begun.board, job.board)


def close_job(opened: Opened, *, remove: bool) -> None:
    """Give up the job. With ``remove``, remove all of its state first."""
    is_removed = False
    try:
        if remove:
            opened.job.remove()
            is_removed = True
    finally:
        opened.hold.release(forget=is_removed)


def _new_without_output(request: RunRequest) -> Opened:
    if request.resume:
        raise UsageError("--resume needs an output: give the one of the unfinished job with -o")
    if request.overwrite:
        raise UsageError("--overwrite needs an output: give one with -o")
    job, hold = own_new_folder(request.state_home, request.spec.s3)
    _create(request, job, old_parts=None)
    return Opened(job=job, output=FolderOutput(job.output), hold=hold)
