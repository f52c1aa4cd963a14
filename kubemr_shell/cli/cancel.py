"""``kubemr-shell cancel``: ends a job of a cluster."""

from __future__ import annotations

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access


@click.command()
@click.argument("name", metavar="JOB")
@cluster_options
def cancel(*, name: str, access: Access) -> None:
    """End a job of a cluster. Its work is kept: retry continues the job, delete removes it."""
    from kubemr_shell.client.job_requests import cancel_job, no_answer

    if not cancel_job(reach(access), name, say=say):
        raise no_answer(name)
    print(f"mapreducejob/{name} cancelled")
