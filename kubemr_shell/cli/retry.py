"""``kubemr-shell retry``: continues a job of a cluster that has ended."""

from __future__ import annotations

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access
from kubemr_shell.errors import UsageError


@click.command()
@click.argument("name", metavar="JOB")
@click.option("-f", "--file", metavar="JOB.yaml", help="Continue with this spec and its scripts.")
@click.option("-r", "--reduce", "reduce_command", metavar="CMD", help="Run this reduceCommand on the same maps.")
@click.option(
    "--compress-output", type=click.Choice(["none", "gzip", "zstd"]), help="Compress the parts in another way."
)
@click.option("--wait", is_flag=True, help="Wait for the end of the job, and exit with its exit code.")
@click.option("--follow", is_flag=True, help="Wait like --wait, and show the progress.")
@cluster_options
def retry(
    *,
    name: str,
    file: str | None,
    reduce_command: str | None,
    compress_output: str | None,
    wait: bool,
    follow: bool,
    access: Access,
) -> int:
    """Continue a job that has ended. Only the missing tasks run.

    With another reduceCommand or compression, the reduces run again on the existing maps. A COMPLETE job has maps only
    if keepTmp is set. Changes that would make another job, such as another mapCommand, are refused.

    \b
    kubemr-shell retry words
    kubemr-shell retry words -r 'sort | uniq -c' --follow
    kubemr-shell retry words -f job.yaml
    """
    from kubemr_shell.cli.cluster_job import read_cluster_job
    from kubemr_shell.client.job_requests import no_answer, retry_job
    from kubemr_shell.client.waiting import wait_for_end
    from kubemr_shell.signals import ending_on_signals

    read = read_cluster_job(file) if file else None
    if read and read.job.name not in (None, name):
        raise UsageError(f"{file} is the job {read.job.name}, not {name}: name the other file, or the other job")
    asked = {"reduceCommand": reduce_command, "compressOutput": compress_output}
    jobs, flags = reach(access), access.flags
    with ending_on_signals():
        answered = retry_job(
            jobs,
            name,
            spec=read.spec if read else None,
            package=read.package if read else None,
            changes={field: value for field, value in asked.items() if value is not None},
            flags=flags,
            say=say,
        )
        if not answered:
            raise no_answer(name)
        print(f"mapreducejob/{name} retried", flush=True)
        if wait or follow:
            return wait_for_end(jobs, jobs.get(name), shows=follow, flags=flags, say=say)
    say(f"  kubemr-shell status {name}{flags}")
    return 0
