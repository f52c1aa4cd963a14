"""``kubemr-shell submit``: submits a job to a cluster."""

from __future__ import annotations

from dataclasses import replace

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access


@click.command()
@click.argument("file", metavar="JOB.yaml")
@click.option("--wait", is_flag=True, help="Wait for the end of the job, and exit with its exit code.")
@click.option("--follow", is_flag=True, help="Wait like --wait, and show the progress.")
@cluster_options
def submit(*, file: str, wait: bool, follow: bool, access: Access) -> int:
    """Submit the job in JOB.yaml (-: stdin) to a cluster.

    The local files in files and archives, the list in inputsFrom, and scripts travel with the job. A script is a file
    beside JOB.yaml whose name is the first word of a command. All these files may have up to 900 KiB together.

    \b
    kubemr-shell submit job.yaml --follow
    """
    from kubemr_shell.cli.cluster_job import read_cluster_job
    from kubemr_shell.client.submission import document_of, namespace_of, submit
    from kubemr_shell.client.waiting import wait_for_end
    from kubemr_shell.signals import ending_on_signals

    read = read_cluster_job(file)
    access = replace(access, namespace=namespace_of(read.job, access.namespace))
    with ending_on_signals():
        jobs = reach(access)
        job = submit(jobs, document_of(read.job, read.spec, read.package), read.package)
        name, flags = job["metadata"]["name"], access.flags
        print(f"mapreducejob/{name} submitted", flush=True)
        if wait or follow:
            return wait_for_end(jobs, job, shows=follow, flags=flags, say=say)
    for command, what in (
        ("status", "shows its state and progress"),
        ("logs --follow", "shows the stderr of its commands"),
        ("results", "prints its parts, once it is COMPLETE"),
        ("cancel", "ends it"),
    ):
        verb, _, flag = command.partition(" ")
        line = f"kubemr-shell {verb} {name}{flags}{f' {flag}' if flag else ''}"
        say(f"  {line:<60}  {what}")
    return 0
