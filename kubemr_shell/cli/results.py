"""``kubemr-shell results``: the parts of a finished job, in order."""

from __future__ import annotations

import click

from kubemr_shell.cli.output_argument import with_output
from kubemr_shell.local_run.output import Output
from kubemr_shell.local_run.results import write_results

STDOUT = 1


@click.command()
@with_output
def results(output: Output) -> None:
    """Write the parts in OUTPUT, a folder or an s3:// prefix, to stdout, one after the other."""
    write_results(output, STDOUT)
