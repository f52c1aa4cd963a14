"""``kubemr-shell debug``: one task again, alone."""

from __future__ import annotations

import click


@click.command()
@click.argument("output", type=click.Path(exists=True, file_okay=False))
@click.argument("task", metavar="map/N | reduce/N")
def debug(output: str, task: str) -> int:
    """Run one task of the unfinished or failed job in OUTPUT again: same input, command and environment.

    What it writes comes to this terminal; the exit status is the command's. The job itself is not touched.
    """
    from kubemr_shell.cli.inherited import inherited  # noqa: PLC0415
    from kubemr_shell.local_run.debug import debug_task  # noqa: PLC0415
    from kubemr_shell.local_run.job_folder import find_job_folder  # noqa: PLC0415
    from kubemr_shell.worker.memory import divide_memory  # noqa: PLC0415

    return debug_task(find_job_folder(output), task, inherited(), divide_memory(1 << 30, 1))
