"""``kubemr-shell retry``: a job of a cluster that has ended goes on."""

from __future__ import annotations

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach, say
from kubemr_shell.client.access import Access
from kubemr_shell.errors import UsageError


@click.command()
@click.argument("name", metavar="JOB")
@click.option("-f", "--file", metavar="JOB.yaml", help="Go on under this spec, and with these scripts.")
@click.option("-r", "--reduce", "reduce_command", metavar="CMD", help="With another reduceCommand, on the same maps.")
@click.option(
    "--compress-output", type=click.Choice(["none", "gzip", "zstd"]), help="With another compression of the parts."
)
@click.option("--wait", is_flag=True, help="Wait for its end; the exit code is that of the job.")
@click.option("--follow", is_flag=True, help="Wait, and show how far it is meanwhile.")
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
    """Have a job that has ended go on: only what is missing runs.

    Another reduce command or compression has the reduces done again, on the maps that are there: those of a job that
    is COMPLETE are kept by keepTmp. What would make it another job, such as another mapCommand, is refused.

    \b
    kubemr-shell retry words
    kubemr-shell retry words -r 'sort | uniq -c' --follow
    kubemr-shell retry words -f job.yaml
    """
    from kubemr_shell.cli.cluster_job import read_cluster_job  # noqa: PLC0415 - --help needs none of these
    from kubemr_shell.client.asking import no_answer, retry_job  # noqa: PLC0415
    from kubemr_shell.client.waiting import wait_for_end  # noqa: PLC0415
    from kubemr_shell.local_run.signals import ending_on_signals  # noqa: PLC0415

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
        print(f"mapreducejob/{name} goes on", flush=True)
        if wait or follow:
            return wait_for_end(jobs, jobs.get(name), shows=follow, flags=flags, say=say)
    say(f"  kubemr-shell status {name}{flags}")
    return 0
