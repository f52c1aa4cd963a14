"""From a request to a job folder with a job on its board: a new one, or the one that a resume goes on with."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace

from kubemr_shell.board.board import Board
from kubemr_shell.board.sqlite import SqliteStore
from kubemr_shell.errors import Forbidden, KubemrError, ObjectNotFound, UsageError
from kubemr_shell.job.derive import resolve
from kubemr_shell.job.validate import spec_to_mapping
from kubemr_shell.local_run.job_access import end_leftovers, kill_leftovers, open_board
from kubemr_shell.local_run.job_folder import JOB_NAME, STATE_NAME, JobFolder, folder_of_output, folder_without_output
from kubemr_shell.local_run.output_check import Found, check_apart, check_output, look_at_output
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.local_run.resume import resume_job
from kubemr_shell.storage import ownership
from kubemr_shell.storage.local import LocalStorage

LOCK = "owner.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The job that this process owns now."""

    job: JobFolder
    lock: ownership.Ownership


def open_job(request: RunRequest) -> Opened | None:
    """Own the output and have a job on its board; UsageError when flags or files do not allow it.

    None: ``--resume`` finds a finished result, with which nothing is left to do.
    """
    if request.output is None:
        return _new_without_output(request)
    check_apart(request.output, request.spec.inputs, request.folder)
    check_output(request.output, look_at_output(request.output), resume=request.resume, overwrite=request.overwrite)
    lock = _own(request.output)
    try:
        found = look_at_output(request.output)
        check_output(request.output, found, resume=request.resume, overwrite=request.overwrite)
        job = _job_in_output(request, request.output, found)
        for uid in _uids(request.output):
            if job is None or uid != job.uid:
                left = folder_of_output(request.output, uid)
                end_leftovers(left)
                left.remove()
        if job is None:
            remove_state(lock)
            lock.release()
            return None
        return Opened(job=job, lock=lock)
    except BaseException:
        lock.release()
        raise


def _own(output: str) -> ownership.Ownership:
    while True:
        try:
            LocalStorage().make_folder(os.path.join(output, STATE_NAME))
            lock = ownership.hold(os.path.join(output, STATE_NAME, LOCK))
        except ObjectNotFound:
            if not os.path.isdir(output):
                raise  # a place like /proc, where no folder can be made
            continue  # another run has just ended, and removed its state
        if lock is None:
            raise UsageError(f"another run is at work in {output}: wait for it, or choose another folder")
        return lock


def _job_in_output(request: RunRequest, output: str, found: Found) -> JobFolder | None:
    """The job to work on; None when it is finished."""
    if request.resume and found.unfinished is not None:
        job = folder_of_output(output, found.unfinished)
        resume_job(job, request.spec)
        return job
    if request.resume and found.success is not None:
        return None
    job = folder_of_output(output, uuid.uuid4().hex)
    _create(request, job, old_parts=found.old_parts)
    return job


def _uids(output: str) -> list[str]:
    with os.scandir(os.path.join(output, STATE_NAME)) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _create(request: RunRequest, job: JobFolder, *, old_parts: tuple[str, ...] | None) -> None:
    """The board appears last and in one step: a folder with a board has all that a job needs."""
    job.make(name=request.name, old_parts=old_parts)
    begun = replace(job, board_name=f"{job.board_name}.new")
    spec = resolve(request.spec, slots=request.memory.slots)
    store = SqliteStore(begun.board)
    try:
        Board.create(store, name=JOB_NAME, uid=job.uid, spec=spec_to_mapping(spec))
    finally:
        store.close()
    with open_board(begun) as board:
        board.deploy()
    os.rename(begun.board, job.board)


def close_job(opened: Opened, *, remove: bool) -> None:
    """Give up the job; with ``remove``, nothing of its state stays."""
    if remove:
        opened.job.remove()
        if os.path.basename(os.path.dirname(opened.lock.path)) == STATE_NAME:
            remove_state(opened.lock)
    opened.lock.release()


def remove_state(lock: ownership.Ownership) -> None:
    """Remove what is left of an output's state when its jobs are gone; the lock is still held."""
    os.unlink(lock.path)
    with suppress(OSError):  # another run may already be at work in it
        os.rmdir(os.path.dirname(lock.path))


def _new_without_output(request: RunRequest) -> Opened:
    if request.resume:
        raise UsageError("--resume needs an output folder: give the one of the unfinished job with -o")
    if request.overwrite:
        raise UsageError("--overwrite needs an output folder: give one with -o")
    home = os.path.join(request.state_home, "kubemr-shell")
    try:
        _remove_stale(home)
        job, lock = _own_new_folder(request.state_home)
    except OSError as error:
        raise Forbidden(
            f"{home}: the state of a run cannot be kept there ({error.strerror}): "
            "set XDG_STATE_HOME to another folder, or give an output folder with -o"
        ) from error
    _create(request, job, old_parts=None)
    return Opened(job=job, lock=lock)


def _own_new_folder(state_home: str) -> tuple[JobFolder, ownership.Ownership]:
    while True:
        job = folder_without_output(state_home, uuid.uuid4().hex)
        os.makedirs(job.root, mode=0o700)
        try:
            lock = ownership.hold(os.path.join(job.root, LOCK))
        except ObjectNotFound:
            continue  # another run took the folder, not yet locked, for a stale one
        if lock is not None:
            return job, lock


def _remove_stale(home: str) -> None:
    """Remove what runs without an output folder left behind, once nobody can want it any more."""
    try:
        entries = list(os.scandir(home))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            held = ownership.hold(os.path.join(entry.path, LOCK))
        except KubemrError:  # gone since, or no run of ours, or another user's
            continue
        if held is None:
            continue
        kill_leftovers(JobFolder(root=entry.path, output=""))
        shutil.rmtree(entry.path, ignore_errors=True)
        held.release()
