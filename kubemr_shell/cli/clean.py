"""``kubemr-shell clean``: remove the state of a job that did not finish."""

from __future__ import annotations

import click

from kubemr_shell.local_run.clean import clean_output


@click.command()
@click.argument("output", type=click.Path(exists=True, file_okay=False))
def clean(output: str) -> None:
    """Remove what an unfinished, failed or kept job left in OUTPUT; a finished result stays."""
    clean_output(output)
