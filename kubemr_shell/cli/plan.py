"""``kubemr-shell plan``: what a job would do, before it spends anything."""

from __future__ import annotations

from typing import Any

import click

from kubemr_shell.cli.inherited import environ
from kubemr_shell.cli.job_options import job_options, request_of
from kubemr_shell.errors import UsageError


@click.command()
@job_options
def plan(**options: Any) -> int:
    """Say what a job would do, and what it would cost, without running it.

    It takes what run takes: inputs are listed, none is read, and nothing is written.

    \b
    kubemr-shell plan job.yaml
    kubemr-shell plan -m 'grep -o "[a-z]*"' -r 'uniq -c' s3://bucket/logs/
    """
    from kubemr_shell import settings  # noqa: PLC0415 - --help needs none of these
    from kubemr_shell.local_run.plan import GET_PRICE, PUT_PRICE, plan_lines  # noqa: PLC0415

    put, get = _prices(settings.load(environ()).s3_prices) or (PUT_PRICE, GET_PRICE)
    print("\n".join(plan_lines(request_of(**options), put_price=put, get_price=get)))
    return 0


def _prices(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        put, get = (float(price) for price in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"KUBEMR_S3_PRICES={text}: write the dollars for 1,000 PUT and for 1,000 GET requests: 0.005,0.0004"
        ) from error
    return put, get
