"""``kubemr-shell results``: writes the parts of a finished job to stdout, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kubemr_shell.cli.cluster_options import cluster_options, reach
from kubemr_shell.cli.output_argument import JOB_FILE, is_place, named_output
from kubemr_shell.client.access import Access

if TYPE_CHECKING:
    from kubemr_shell.outputs.output import Output


@click.command()
@click.argument("output", metavar="[OUTPUT | NAME]", required=False)
@JOB_FILE
@cluster_options
def results(*, output: str | None, job_file: str | None, access: Access) -> None:
    """Write the parts in OUTPUT, a folder or an s3:// prefix, to stdout, one after the other.

    A plain NAME that is not a folder names a job of a cluster.
    """
    from kubemr_shell.outputs.result_stream import write_results

    is_job = output is not None and job_file is None and not is_place(output)
    write_results(_of_job(str(output), access) if is_job else named_output(output, job_file))


def _of_job(name: str, access: Access) -> Output:
    from kubemr_shell import settings
    from kubemr_shell.cli.inherited import environ
    from kubemr_shell.client.result_place import place_of_results
    from kubemr_shell.errors import UsageError
    from kubemr_shell.outputs.locate import output_at

    try:
        jobs = reach(access)
    except UsageError as error:
        raise UsageError(f"{name}: there is no such folder, and no cluster to look for a job in: {error}") from error
    uri, s3 = place_of_results(jobs.get(name), environ(), flags=access.flags)
    return output_at(uri, s3, settings.load(environ()).state_home)
