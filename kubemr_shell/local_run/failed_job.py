"""Fails a job whose time is up, and makes the error that says why a job failed and what to do next."""

from __future__ import annotations

from kubemr_shell.errors import IllegalTransition, JobCancelled, JobFailed, KubemrError
from kubemr_shell.job.state import JobState
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.screens.failure import failure_lines


def fail_after_deadline(request: RunRequest, job: JobFolder) -> None:
    """Fail a job whose ``activeDeadlineSeconds`` are over. Raise JobFailed if the job already publishes its results."""
    seconds = request.spec.active_deadline_seconds
    with open_board(job) as board:
        try:
            board.fail({"kind": "DeadlineExceeded", "reason": f"not done after {seconds} s (activeDeadlineSeconds)"})
        except IllegalTransition as error:
            raise JobFailed(
                f"the time was up while the results were being published ({error}): use --resume"
            ) from error


def error_of_failed_job(request: RunRequest, job: JobFolder) -> KubemrError:
    """Return the error of a job that has failed, with the screen and the exit code, or of a cancelled job."""
    with open_board(job) as board:
        view = board.view()
    if view.state is JobState.CANCELLED:
        return JobCancelled(f"job {job.name} was cancelled")
    failure = view.failure or {}
    lines = failure_lines(
        failure,
        job=job.name,
        debug=["kubemr-shell", "debug", request.output or job.root, str(failure.get("task"))],
        resume=_command_line_with(request, "--resume") if view.plan else [],
        anew=_command_line_with(request, "--overwrite"),
    )
    error: KubemrError = JobFailed("\n".join(lines))
    error.exit_code = failure.get("exitCode", JobFailed.exit_code)
    return error


def _command_line_with(request: RunRequest, flag: str) -> list[str]:
    """Return the words of the run's command line, with ``flag`` in place of ``--overwrite`` and ``--resume``.

    Return an empty list if the results went to stdout, because then no output can be used again.
    """
    if request.output is None:
        return []
    return [word for word in request.command_line if word not in ("--overwrite", "--resume")] + [flag]
