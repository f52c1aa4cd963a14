"""``kubemr-shell clean``: removes the state of a job that did not finish."""

from __future__ import annotations

import click

from kubemr_shell.cli.output_argument import with_output
from kubemr_shell.outputs.clean import clean_output
from kubemr_shell.outputs.output import Output


@click.command()
@with_output
@click.option(
    "--force",
    is_flag=True,
    help="Clean even if a run on another machine, or a job of a cluster, may use OUTPUT. Make sure that it is dead.",
)
def clean(output: Output, force: bool) -> None:
    """Remove what an unfinished, failed or kept job has left in OUTPUT. A finished result stays."""
    clean_output(output, force=force)
