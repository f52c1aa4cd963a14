"""An output as an argument: a folder that is there, or a prefix in S3."""

from __future__ import annotations

from typing import Any

import click

from kubemr_shell import settings
from kubemr_shell.cli.inherited import environ
from kubemr_shell.job.spec import S3Spec
from kubemr_shell.local_run.output import Output, output_at
from kubemr_shell.storage.locate import scheme_of


class OutputArgument(click.ParamType[Output]):
    """Gives an ``Output``. The object store is found as boto3 finds it."""

    name = "output"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        if scheme_of(value) != "s3":
            click.Path(exists=True, file_okay=False).convert(value, param, ctx)
            return output_at(value, S3Spec(), "")
        return output_at(value, S3Spec(), settings.load(environ()).state_home)


OUTPUT = OutputArgument()
