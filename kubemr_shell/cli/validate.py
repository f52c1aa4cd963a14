"""``kubemr-shell validate``: shows everything that is wrong with the YAML of jobs, before anything runs."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from kubemr_shell.cli.job_file import add_scripts, folder_of, permission_problems, read_job
from kubemr_shell.errors import InputNotFound, InvalidSpec, Problem, UsageError


@click.command()
@click.argument("files", metavar="JOB.yaml...", nargs=-1, required=True)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="The format of the output.")
def validate(files: tuple[str, ...], output: str) -> int:
    """Show everything that is wrong with the YAML of jobs, and with the scripts beside it. - is stdin.

    The exit code is 0 if all jobs are valid, else 2.
    """
    refusals = {file: _refusal(file) for file in files}
    if output == "json":
        print(json.dumps([_as_json(file, refusal) for file, refusal in refusals.items()], indent=2))
    else:
        for file, refusal in refusals.items():
            print(refusal or f"{file}: valid")
    return InvalidSpec.exit_code if any(refusals.values()) else 0


def _refusal(file: str) -> InvalidSpec | InputNotFound | None:
    try:
        spec = add_scripts(read_job(file).spec, folder_of(file))
    except (InvalidSpec, InputNotFound) as error:
        return error
    except UsageError as error:
        return InvalidSpec([Problem(path="", message=str(error))], file)
    problems = permission_problems(spec)
    return InvalidSpec(problems, file) if problems else None


def _as_json(file: str, refusal: InvalidSpec | InputNotFound | None) -> dict[str, object]:
    match refusal:
        case None:
            problems: tuple[Problem, ...] = ()
        case InvalidSpec():
            problems = refusal.problems
        case InputNotFound():
            problems = (Problem(path="", message=str(refusal)),)
    return {"file": file, "valid": not problems, "problems": [asdict(problem) for problem in problems]}
