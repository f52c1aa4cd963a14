"""An output on the command line: a folder that is there, or a prefix in S3, and how its store is reached."""

from __future__ import annotations

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


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument OUTPUT and the option ``--job``; it is called with the ``Output``."""

    @click.argument("output", required=False)
    @click.option(
        "--job",
        "job_file",
        metavar="JOB.yaml",
        help="The job's YAML: its s3, and its output if OUTPUT is not given.",
    )
    @wraps(command)
    def called(*, output: str | None, job_file: str | None, **options: Any) -> None:
        spec = read_job(job_file).spec if job_file else None
        uri = output or (spec and spec.output)
        if not uri:
            raise UsageError("name an output, or a job's YAML that has one with --job")
        command(output=output_of(uri, spec.s3 if spec else S3Spec()), **options)

    return called


def output_of(uri: str, s3: S3Spec = S3Spec()) -> Output:  # noqa: B008 - frozen
    """The output that a person names; UsageError. What ``s3`` leaves open, boto3 finds."""
    if scheme_of(uri) == "s3":
        return output_at(uri, s3, settings.load(environ()).state_home)
    click.Path(exists=True, file_okay=False).convert(uri, None, click.get_current_context())
    return output_at(uri, s3, "")
