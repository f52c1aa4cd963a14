"""``kubemr-shell logs``: shows the logs of the pods of a job."""

from __future__ import annotations

from threading import Event

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access
from kubemr_shell.streams import write_output


@click.command()
@click.argument("name", metavar="JOB")
@click.argument("task", metavar="[map/N | reduce/N]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Show new lines too, until the job has ended.")
@cluster_options
def logs(*, name: str, task: str | None, follow: bool, access: Access) -> int:
    """Show the logs of the pods of a job, or what the commands of one task wrote to stderr.

    Each line begins with the name of its pod. In a line that a command wrote, the name of the attempt follows, such as
    map/17.0.
    """

    from kubemr_shell.client.logs import JobLogs, must_have_task, task_of
    from kubemr_shell.signals import stopping_on_signals

    jobs = reach(access)
    wanted = task_of(task) if task else None
    if wanted:
        must_have_task(jobs.get(name), wanted)
    all_logs = JobLogs(jobs, name, task=wanted, write=write_output, say=say)
    if follow:
        stop = Event()
        with stopping_on_signals(stop.set) as signals:
            all_logs.follow(stop)
        return signals.exit_code or 0
    if not all_logs.show():
        what = f"{wanted} has" if wanted else f"the commands of {name} have"
        say(f"{what} written nothing to stderr, according to the logs of the pods that still exist")
    return 0
