"""``kubemr-shell cancel``: a job of a cluster ends."""

from __future__ import annotations

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access


@click.command()
@click.argument("name", metavar="JOB")
@cluster_options
def cancel(*, name: str, access: Access) -> None:
    """End a job of a cluster. What it has done is kept: retry goes on with it, delete removes it."""
    from kubemr_shell.client.asking import cancel_job, no_answer  # noqa: PLC0415 - --help needs none of these

    if not cancel_job(reach(access), name, say=say):
        raise no_answer(name)
    print(f"mapreducejob/{name} cancelled")
