"""``kubemr-shell validate``: everything that is wrong with jobs' YAML files, before anything runs."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from kubemr_shell.cli.job_file import read_job
from kubemr_shell.errors import InputNotFound, InvalidSpec, Problem


@click.command()
@click.argument("files", metavar="JOB.yaml...", nargs=-1, required=True)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to say it.")
def validate(files: tuple[str, ...], output: str) -> int:
    """Say everything that is wrong with the YAML of jobs; - is stdin.

    Exits with 0 when all are valid, else with 2.
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
        read_job(file)
    except (InvalidSpec, InputNotFound) as error:
        return error
    return None


def _as_json(file: str, refusal: InvalidSpec | InputNotFound | None) -> dict[str, object]:
    match refusal:
        case None:
            problems: tuple[Problem, ...] = ()
        case InvalidSpec():
            problems = refusal.problems
        case InputNotFound():
            problems = (Problem(path="", message=str(refusal)),)
    return {"file": file, "valid": not problems, "problems": [asdict(problem) for problem in problems]}
