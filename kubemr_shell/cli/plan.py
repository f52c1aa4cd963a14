"""``kubemr-shell plan``: shows what a job would do and cost, before it spends anything."""

from __future__ import annotations

import json
from typing import Any

import click

from kubemr_shell.cli.inherited import environ
from kubemr_shell.cli.job_options import job_options, request_of
from kubemr_shell.errors import UsageError


@click.command()
@job_options
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The format of the plan.",
)
def plan(*, output_format: str, **options: Any) -> int:
    """Show what a job would do, and what it would cost, without running it.

    The arguments are those of run. Inputs are listed, but not read, and nothing is written.

    \b
    kubemr-shell plan job.yaml
    kubemr-shell plan -m 'grep -o "[a-z]*"' -r 'uniq -c' s3://bucket/logs/
    """
    from kubemr_shell import settings
    from kubemr_shell.local_run.plan import plan_of
    from kubemr_shell.screens.plan import Prices

    text = settings.load(environ()).s3_prices
    prices = Prices()
    if text is not None:
        try:
            put, get = (float(price) for price in text.split(","))
        except ValueError as error:
            raise UsageError(
                f"KUBEMR_S3_PRICES={text}: write the dollars for 1,000 PUT and for 1,000 GET requests: 0.005,0.0004"
            ) from error
        prices = Prices(put=put, get=get)
    found = plan_of(request_of(**options))
    print(json.dumps(found.as_json(prices), indent=1) if output_format == "json" else "\n".join(found.lines(prices)))
    return 0
