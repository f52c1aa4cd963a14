"""Bringing an unfinished job to where workers can go on with it, under the spec that it is resumed with."""

from __future__ import annotations

from dataclasses import replace

from kubemr_shell.board.job_view import JobView
from kubemr_shell.errors import UsageError
from kubemr_shell.job.fingerprint import changed_fields
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.job.validate import spec_from_mapping, spec_to_mapping
from kubemr_shell.local_run.input_check import check_inputs_unchanged
from kubemr_shell.local_run.job_access import end_leftovers, open_board
from kubemr_shell.local_run.job_folder import JobFolder


def resume_job(job: JobFolder, asked: JobSpec, *, tmp: str | None = None) -> None:
    """Refuse what would make it another job; keep what was done as far as the spec that is asked for allows.

    ``tmp`` is where the temporaries are asked to be; None: wherever they are.
    """
    end_leftovers(job)
    if tmp not in (None, job.tmp):
        raise UsageError(
            f"--resume cannot go on with --tmp {tmp}: the temporaries of the unfinished job are in {job.temporaries}; "
            "leave --tmp away, or start anew with --overwrite"
        )
    job.remember_s3(asked.s3)
    with open_board(job) as board:
        view = board.view()
        old = spec_from_mapping(view.spec)
        redo_reduces = _has_new_reduces(old, asked, view)
        if view.state is JobState.COMPLETE:
            return
        if view.plan is not None:
            check_inputs_unchanged(job.workspace(), view.plan)
        spec = replace(asked, partitions=old.partitions)
        if redo_reduces:
            board.redo_reduces(spec_to_mapping(spec))
        elif view.state in ENDED or (spec != old and not view.publishing):
            if view.state not in ENDED:
                board.cancel()
            board.retry(spec_to_mapping(spec))
        board.deploy()


def _has_new_reduces(old: JobSpec, asked: JobSpec, view: JobView) -> bool:
    """Whether the reduces have to be done again; UsageError when the job would be another one."""
    changes = changed_fields(old, asked)
    if changes.forbidden:
        raise UsageError(
            f"--resume cannot go on with another {', '.join(changes.forbidden)} than the unfinished job has: "
            "change it back, or start anew with --overwrite"
        )
    if changes.reduce_only and view.publishing:
        raise UsageError(
            f"--resume cannot change the {', '.join(changes.reduce_only)} of a job whose results are published, or "
            "about to be: change it back, or start anew with --overwrite"
        )
    return bool(changes.reduce_only)
