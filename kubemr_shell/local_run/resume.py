"""Prepares an unfinished job for workers, under the spec with which the job is resumed."""

from __future__ import annotations

from dataclasses import replace

from kubemr_shell.board.job_board import JobBoard
from kubemr_shell.board.job_state import JobView
from kubemr_shell.errors import InputChanged, UsageError
from kubemr_shell.job.fingerprint import Changes, changed_fields, kept_in_plan
from kubemr_shell.job.names import file_name
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.job.validate import spec_from_mapping, spec_to_mapping
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.job_folder.leftovers import end_leftovers
from kubemr_shell.local_run.input_check import check_inputs_unchanged, file_pins
from kubemr_shell.local_run.reuse_maps import take_over_maps
from kubemr_shell.outputs.checks import check_whole
from kubemr_shell.outputs.contents import OutputContents
from kubemr_shell.outputs.output import Output
from kubemr_shell.shown import shown


def resume_job(
    job: JobFolder, asked: JobSpec, *, output: Output, found: OutputContents, tmp: str | None = None
) -> JobFolder:
    """Apply the spec ``asked`` to a job, keep the committed work that this spec allows, and return the job to work on.

    If the job is complete and only its reduces have to run again, return a new job that uses the old maps. Then the
    parts that were ``found`` in the output are replaced. A job that is not complete runs its maps again if a file that
    the maps may read has changed. ``tmp`` is the value of ``--tmp``; None keeps the temporaries where they are.

    Raise UsageError if ``asked`` would make another job, and InputChanged if an input has changed.
    """
    end_leftovers(job)
    if tmp not in (None, job.tmp):
        raise UsageError(
            f"--resume cannot use --tmp {tmp}: the temporaries of the unfinished job are in {job.temporaries}; "
            "leave --tmp out, or start again with --overwrite"
        )
    job.remember_s3(asked.s3)
    job.make_folders()
    with open_board(job) as board:
        view = board.view()
    old = spec_from_mapping(view.spec)
    changes = _changes(old, asked, view)
    if view.state is JobState.COMPLETE and not changes.reduce_only:
        check_whole(output, found)
        return job
    if view.plan is not None:
        check_inputs_unchanged(job.workspace(), view.plan)
    spec = replace(asked if view.plan is None else kept_in_plan(asked), partitions=old.partitions)
    if view.state is JobState.COMPLETE:
        job = take_over_maps(job, spec, old_parts=found.old_parts)
    with open_board(job) as board:
        if view.state is not JobState.COMPLETE:
            _apply(board, view, spec, changes)
        board.deploy()
    return job


def _apply(board: JobBoard, view: JobView, spec: JobSpec, changes: Changes) -> None:
    """Give a job that is not complete its new spec, and restart the job if it has ended."""
    if changes.maps:
        board.redo_maps(spec_to_mapping(spec))
    elif changes.reduce_only:
        board.redo_reduces(spec_to_mapping(spec))
    elif view.state in ENDED or (spec != spec_from_mapping(view.spec) and not view.publishing):
        if view.state not in ENDED:
            board.cancel()
        board.retry(spec_to_mapping(spec))


def _changes(old: JobSpec, asked: JobSpec, view: JobView) -> Changes:
    """Return the changes that make work run again. Raise UsageError or InputChanged if it would be another job."""
    planned = view.plan.files if view.plan else {}
    changes = changed_fields(old, asked, planned=planned, found=file_pins(asked))
    if changes.forbidden:
        raise UsageError(
            f"--resume cannot change {', '.join(changes.forbidden)} of the job in the output: "
            "change it back, or start again with --overwrite"
        )
    if changes.maps and view.state is JobState.COMPLETE:
        named = next(uri for uri in planned if file_name(uri) == changes.maps[0])
        raise InputChanged(f"{shown(named)}: changed since the job was planned: start again with --overwrite")
    again = changes.maps + changes.reduce_only
    if again and view.publishing and view.state is not JobState.COMPLETE:
        raise UsageError(
            f"--resume cannot change the {', '.join(again)} of a job whose results are published, or "
            "about to be: change it back, or start again with --overwrite"
        )
    return changes
