"""The argument for an output: an existing folder, or a prefix in S3 with the way to reach its object store."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from kubemr_shell import settings
from kubemr_shell.cli.inherited import environ
from kubemr_shell.cli.job_file import read_job
from kubemr_shell.errors import UsageError
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.outputs.locate import output_at
from kubemr_shell.outputs.output import Output
from kubemr_shell.storage.locate import scheme_of

JOB_FILE = click.option(
    "--job", "job_file", metavar="JOB.yaml", help="The job's YAML, for its s3 and, without OUTPUT, for its output."
)
"""The option that names the YAML of a job whose output a command reads."""


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument OUTPUT and the option ``--job`` to a command, which receives the ``Output``."""

    @click.argument("output", required=False)
    @JOB_FILE
    @wraps(command)
    def called(*, output: str | None, job_file: str | None, **options: Any) -> None:
        command(output=named_output(output, job_file), **options)

    return called


def named_output(output: str | None, job_file: str | None) -> Output:
    """Return the output that the argument or the YAML of ``--job`` names. Raise UsageError if neither does."""
    spec = read_job(job_file, is_here=True).spec if job_file else None
    uri = output or (spec and spec.output)
    if not uri:
        raise UsageError("name an output, or a job's YAML that has one with --job")
    return output_of(uri, spec.s3 if spec else S3Spec())


def is_place(text: str) -> bool:
    """Return whether a text names a folder or a prefix, and not a job of a cluster."""
    return "/" in text or scheme_of(text) == "s3" or os.path.isdir(text)


def output_of(uri: str, s3: S3Spec = S3Spec()) -> Output:  # noqa: B008 - frozen
    """Return the output that a user names. Raise UsageError if it is not valid. boto3 finds what ``s3`` leaves open."""
    if scheme_of(uri) == "s3":
        return output_at(uri, s3, settings.load(environ()).state_home)
    click.Path(exists=True, file_okay=False).convert(uri, None, click.get_current_context())
    return output_at(uri, s3, "")
