"""The defaults of an installation for fields that jobs leave out. They are options of ``operator`` and ``install``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from kubemr_shell.operator.options import STALLED_SECONDS


def _checked_root(context: click.Context, parameter: click.Parameter, root: str | None) -> str | None:  # noqa: ARG001
    """Raise UsageError for a template that cannot be used, before anything is installed or started."""
    from kubemr_shell.operator.output_root import check_root

    if root is not None:
        check_root(root)
    return root


_OPTIONS = (
    click.option(
        "--output-root",
        metavar="s3://...",
        callback=_checked_root,
        help="The prefix of jobs without an output. They write to NAMESPACE/NAME, or to {namespace} and {name} in it.",
    ),
    click.option("--s3-endpoint", metavar="URL", help="The object store of jobs that name none."),
    click.option("--s3-region", metavar="REGION", help="The region of that object store."),
    click.option(
        "--job-ttl",
        type=click.IntRange(0),
        metavar="SECONDS",
        help="Remove jobs without ttlSecondsAfterFinished this long after their end; default: never.",
    ),
    click.option(
        "--pod-ttl",
        type=click.IntRange(0),
        metavar="SECONDS",
        help="Remove the pods of a job, and their logs, this long after its end; default: with the job.",
    ),
    click.option(
        "--stalled-after",
        type=click.FloatRange(1),
        metavar="SECONDS",
        default=STALLED_SECONDS,
        show_default=True,
        help="Call a job stalled if no work was done in it for this long.",
    ),
    click.option("--s3-secret", metavar="NAME", help="The Secret with credentials, in the namespace of the jobs."),
)


def job_defaults(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add these options to a command. Their values are fields of OperatorOptions."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
