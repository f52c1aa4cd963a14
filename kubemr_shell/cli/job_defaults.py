"""What an installation decides for jobs that do not say it: options of the operator, and of what installs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from kubemr_shell.operator.options import STALLED_SECONDS


def _checked_root(context: click.Context, parameter: click.Parameter, root: str | None) -> str | None:  # noqa: ARG001
    """Refuse a template that cannot be used, before anything is installed or begun."""
    from kubemr_shell.operator.output_root import check_root  # noqa: PLC0415 - --help needs it not

    if root is not None:
        check_root(root)
    return root


_OPTIONS = (
    click.option(
        "--output-root",
        metavar="s3://...",
        callback=_checked_root,
        help="Where jobs without an output write: below it, in NAMESPACE/NAME, or where {namespace} and {name} stand.",
    ),
    click.option("--s3-endpoint", metavar="URL", help="The object store of jobs that name none."),
    click.option("--s3-region", metavar="REGION", help="Its region."),
    click.option(
        "--job-ttl",
        type=click.IntRange(0),
        metavar="SECONDS",
        help="Remove jobs that say no ttlSecondsAfterFinished so long after their end; default: never.",
    ),
    click.option(
        "--pod-ttl",
        type=click.IntRange(0),
        metavar="SECONDS",
        help="Remove the pods of a job, and their logs, so long after its end; default: with the job.",
    ),
    click.option(
        "--stalled-after",
        type=click.FloatRange(1),
        metavar="SECONDS",
        default=STALLED_SECONDS,
        show_default=True,
        help="Call a job stalled in which nothing was done for so long.",
    ),
    click.option("--s3-secret", metavar="NAME", help="The Secret with credentials, in the namespace of the jobs."),
)


def job_defaults(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; their values are fields of OperatorOptions."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
