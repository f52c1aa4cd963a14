"""An output on the command line: a folder that is there, or a prefix in S3, and how its store is reached."""

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
from kubemr_shell.job.spec import S3Spec
from kubemr_shell.local_run.output import Output, output_at
from kubemr_shell.storage.locate import scheme_of

JOB_FILE = click.option(
    "--job", "job_file", metavar="JOB.yaml", help="The job's YAML: its s3, and its output if OUTPUT is not given."
)


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument OUTPUT and the option ``--job``; it is called with the ``Output``."""

    @click.argument("output", required=False)
    @JOB_FILE
    @wraps(command)
    def called(*, output: str | None, job_file: str | None, **options: Any) -> None:
        command(output=named_output(output, job_file), **options)

    return called


def named_output(output: str | None, job_file: str | None) -> Output:
    """What the argument names, or the YAML of ``--job``; UsageError."""
    spec = read_job(job_file).spec if job_file else None
    uri = output or (spec and spec.output)
    if not uri:
        raise UsageError("name an output, or a job's YAML that has one with --job")
    return output_of(uri, spec.s3 if spec else S3Spec())


def is_place(text: str) -> bool:
    """Whether it is a folder or a prefix, and no name of a job of a cluster."""
    return "/" in text or scheme_of(text) == "s3" or os.path.isdir(text)


def output_of(uri: str, s3: S3Spec = S3Spec()) -> Output:  # noqa: B008 - frozen
    """The output that a person names; UsageError. What ``s3`` leaves open, boto3 finds."""
    if scheme_of(uri) == "s3":
        return output_at(uri, s3, settings.load(environ()).state_home)
    click.Path(exists=True, file_okay=False).convert(uri, None, click.get_current_context())
    return output_at(uri, s3, "")
