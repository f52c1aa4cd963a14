"""``kubemr-shell debug``: runs one task of a job again, alone."""

from __future__ import annotations

import click

from kubemr_shell.cli.output_argument import output_of


@click.command()
@click.argument("output")
@click.argument("task", metavar="map/N | reduce/N")
def debug(output: str, task: str) -> int:
    """Run one task of the unfinished or failed job in OUTPUT again: same input, command and environment.

    The task writes to this terminal. The exit status is that of the command. The job itself does not change.
    """
    from kubemr_shell.cli.inherited import inherited
    from kubemr_shell.job_folder.find import folder_at, is_job_folder
    from kubemr_shell.local_run.debug import debug_task
    from kubemr_shell.worker.memory import divide_memory

    found = output_of(output)
    job = folder_at(found.uri) if is_job_folder(found.uri) else found.find_job()
    return debug_task(job, task, inherited(), divide_memory(1 << 30, 1))
