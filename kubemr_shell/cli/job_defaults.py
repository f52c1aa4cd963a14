"""What an installation decides for jobs that do not say it: options of the operator, and of what installs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--output-root", metavar="s3://...", help="Below it jobs without an output put it."),
    click.option("--s3-endpoint", metavar="URL", help="The object store of jobs that name none."),
    click.option("--s3-region", metavar="REGION", help="Its region."),
    click.option("--s3-secret", metavar="NAME", help="The Secret with credentials, in the namespace of the jobs."),
)


def job_defaults(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; their values are fields of OperatorOptions."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
