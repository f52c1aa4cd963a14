"""``kubemr-shell list``: shows the jobs of a cluster."""

from __future__ import annotations

import json
import time

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access


@click.command("list")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Show the jobs of all namespaces.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="The format of the output.")
@cluster_options
def list_jobs(*, everywhere: bool, output: str, access: Access) -> None:
    """Show the jobs of a namespace: their states, tasks done, retries and ages."""
    from kubemr_shell.client.table import row_of, table_of
    from kubemr_shell.errors import JobNotFound

    jobs = reach(access)
    found, now = jobs.list(everywhere=everywhere), time.time()  # noqa: TID251 - compared with stamps of the API server
    if output == "json":
        print(json.dumps([row_of(job, now=now) for job in found], indent=2))
    elif found:
        print("\n".join(table_of(found, now=now, everywhere=everywhere)))
    else:
        if not everywhere and not jobs.has_namespace():
            raise JobNotFound(jobs.no_namespace)
        say("there are no jobs" if everywhere else f"there are no jobs in the namespace {jobs.namespace}; -A shows all")


list = list_jobs  # noqa: A001 - ``main`` looks for the command under its own name
