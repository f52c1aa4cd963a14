"""``kubemr-shell delete``: removes a job of a cluster, and everything of it except its results."""

from __future__ import annotations

from threading import Event

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access


@click.command()
@click.argument("name", metavar="JOB")
@click.option("--wait", is_flag=True, help="Wait until the job and its temporaries are gone.")
@cluster_options
def delete(*, name: str, wait: bool, access: Access) -> int:
    """Remove a job of a cluster with its pods and temporaries. A finished result stays."""

    from kubemr_shell.client.job_requests import delete_job
    from kubemr_shell.signals import stopping_on_signals

    stop = Event()
    with stopping_on_signals(stop.set) as signals:
        is_gone = delete_job(reach(access), name, waits=wait, stop=stop, say=say)
    if not is_gone:
        say(f"stopped waiting; {name} is removed as soon as its temporaries are")
        return signals.exit_code or 0
    print(f"mapreducejob/{name} deleted")
    return 0
