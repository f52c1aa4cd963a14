"""From a request to a job folder with a job on its board: a new one, or the one that a resume goes on with."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.command.orphans import kill_recorded
from kubemr_shell.errors import JobNotFound, ObjectNotFound, UsageError
from kubemr_shell.job.fingerprint import changed_fields
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import spec_from_mapping, spec_to_mapping
from kubemr_shell.local_run.input_check import check_inputs_unchanged
from kubemr_shell.local_run.job_folder import JOB_NAME, JobFolder, folder_of_output, folder_without_output
from kubemr_shell.local_run.output_check import STATE_NAME, Found, check_apart, check_output, look_at_output
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.storage import ownership

LOCK = "owner.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The job that this process owns now."""

    job: JobFolder
    lock: ownership.Ownership


@contextmanager
def open_board(job: JobFolder) -> Iterator[Board]:
    """The board of a job, for whoever does not work on it."""
    store = SqliteStore(job.board, create=False)
    try:
        yield Board(
            store,
            JOB_NAME,
            f"owner-{uuid.uuid4().hex[:8]}",
            slots=1,
            agents=1,
            timing=Timing.local(),
            clock=time.monotonic,
            random=Random(os.urandom(16)),
        )
    finally:
        store.close()


def open_job(request: RunRequest) -> Opened:
    """Own the output and have a job on its board; UsageError when flags or files do not allow it."""
    if request.output is None:
        return _new_without_output(request)
    check_apart(request.output, request.spec.inputs, request.folder)
    check_output(request.output, look_at_output(request.output), resume=request.resume, overwrite=request.overwrite)
    os.makedirs(os.path.join(request.output, STATE_NAME), exist_ok=True)
    lock = ownership.hold(os.path.join(request.output, STATE_NAME, LOCK))
    if lock is None:
        raise UsageError(f"another run is at work in {request.output}: wait for it, or choose another folder")
    try:
        found = look_at_output(request.output)
        check_output(request.output, found, resume=request.resume, overwrite=request.overwrite)
        return Opened(job=_job_in_output(request, request.output, found), lock=lock)
    except BaseException:
        lock.release()
        raise


def _job_in_output(request: RunRequest, output: str, found: Found) -> JobFolder:
    if request.resume and found.unfinished is not None:
        job = folder_of_output(output, found.unfinished)
        _resume(request, job)
        return job
    for uid in _left_behind(output):
        old = folder_of_output(output, uid)
        kill_leftovers(old)
        old.remove()
    job = folder_of_output(output, uuid.uuid4().hex)
    _create(request, job, old_parts=found.old_parts)
    return job


def _left_behind(output: str) -> list[str]:
    with os.scandir(os.path.join(output, STATE_NAME)) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _create(request: RunRequest, job: JobFolder, *, old_parts: tuple[str, ...] | None) -> None:
    job.make(name=request.name, old_parts=old_parts)
    store = SqliteStore(job.board)
    try:
        Board.create(store, name=JOB_NAME, uid=job.uid, spec=spec_to_mapping(request.spec))
    finally:
        store.close()
    with open_board(job) as board:
        board.deploy()


def _resume(request: RunRequest, job: JobFolder) -> None:
    """Bring the board to where workers can go on; refuse what would make it another job."""
    kill_leftovers(job)
    with open_board(job) as board:
        try:
            view = board.view()
        except JobNotFound:  # killed before the job was on the board
            store = SqliteStore(job.board)
            Board.create(store, name=JOB_NAME, uid=job.uid, spec=spec_to_mapping(request.spec))
            store.close()
            view = board.view()
        if view.state is JobState.COMPLETE:
            return
        old = spec_from_mapping(view.spec)
        changes = changed_fields(old, request.spec)
        if changes.forbidden:
            raise UsageError(
                f"--resume cannot go on with another {', '.join(changes.forbidden)} than the unfinished job has: "
                "change it back, or start anew with --overwrite"
            )
        if view.plan is not None:
            check_inputs_unchanged(job.workspace(), view.plan)
        if changes.reduce_only:
            board.redo_reduces(spec_to_mapping(replace(request.spec, partitions=old.partitions)))
        elif view.state in (JobState.FAIL, JobState.CANCELLED):
            board.retry()
        board.deploy()


def kill_leftovers(job: JobFolder) -> None:
    """End the commands of workers that were killed. The caller owns the job, so none of its workers lives."""
    for worker in job.workers():
        kill_recorded(job.worker_file(worker, "groups"), job.marker)


def close_job(opened: Opened, *, remove: bool) -> None:
    """Give up the job; with ``remove``, nothing of its state stays."""
    if remove:
        opened.job.remove()
        parent = os.path.dirname(opened.job.root)
        if os.path.basename(parent) == STATE_NAME:
            os.unlink(opened.lock.path)
            os.rmdir(parent)
    opened.lock.release()


def _new_without_output(request: RunRequest) -> Opened:
    if request.resume:
        raise UsageError("--resume needs an output folder: give the one of the unfinished job with -o")
    if request.overwrite:
        raise UsageError("--overwrite needs an output folder: give one with -o")
    _remove_stale(os.path.join(request.state_home, "kubemr-shell"))
    while True:
        job = folder_without_output(request.state_home, uuid.uuid4().hex)
        os.makedirs(job.root, mode=0o700)
        try:
            lock = ownership.hold(os.path.join(job.root, LOCK))
        except ObjectNotFound:
            continue  # another run took the folder, not yet locked, for a stale one
        if lock is not None:
            break
    _create(request, job, old_parts=None)
    return Opened(job=job, lock=lock)


def _remove_stale(home: str) -> None:
    """Remove what runs without an output folder left behind, once nobody can want it any more."""
    try:
        entries = list(os.scandir(home))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            held = ownership.hold(os.path.join(entry.path, LOCK))
        except ObjectNotFound:
            continue
        if held is None:
            continue
        kill_leftovers(JobFolder(root=entry.path, output=""))
        shutil.rmtree(entry.path, ignore_errors=True)
        held.release()
