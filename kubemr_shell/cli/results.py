"""``kubemr-shell results``: the parts of a finished job, in order."""

from __future__ import annotations

import click

from kubemr_shell.local_run.results import write_results

STDOUT = 1


@click.command()
@click.argument("output", type=click.Path(exists=True, file_okay=False))
def results(output: str) -> None:
    """Write the parts in OUTPUT to stdout, one after the other."""
    write_results(output, STDOUT)
