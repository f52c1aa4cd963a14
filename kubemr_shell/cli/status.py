"""``kubemr-shell status``: shows the state of a job of a cluster."""

from __future__ import annotations

import json
import time

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach
from kubemr_shell.client.access import Access


@click.command()
@click.argument("name", metavar="JOB")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="The format of the output.")
@cluster_options
def status(*, name: str, output: str, access: Access) -> None:
    """Show the state of a job of a cluster: progress, hindrances, the reason of a failure, the place of the results."""
    from kubemr_shell.client.status import as_json, status_lines
    from kubemr_shell.client.views import status_errors_explained

    jobs = reach(access)
    job, progress, now = jobs.get(name), jobs.progress(name), time.time()  # noqa: TID251 - stamps of the API server
    with status_errors_explained(name):
        if output == "json":
            print(json.dumps(as_json(job, progress, now=now), indent=2))
        else:
            print("\n".join(status_lines(job, progress, now=now, flags=access.flags)))
