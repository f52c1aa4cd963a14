"""``kubemr-shell run``: runs a whole job on this machine."""

from __future__ import annotations

from typing import Any

import click

from kubemr_shell.cli.job_options import job_options, request_of
from kubemr_shell.errors import UsageError


@click.command()
@job_options
@click.option("--resume", is_flag=True, help="Continue the unfinished job in the output.")
@click.option("--overwrite", is_flag=True, help="Replace the result, or the unfinished job, in the output.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")
def run(*, resume: bool, overwrite: bool, quiet: bool, **options: Any) -> int:
    """Run a job on this machine.

    With -m the arguments are inputs, and without -o the results go to stdout:

    \b
    kubemr-shell run -m 'grep -o "[a-z]*"' -r 'uniq -c' logs/*.gz
    kubemr-shell run job.yaml -o results
    """
    from kubemr_shell.local_run.run import run_job

    if resume and overwrite:
        raise UsageError("--resume continues the job in the output, --overwrite replaces it: give one of them")
    return run_job(request_of(resume=resume, overwrite=overwrite, quiet=quiet, **options))
