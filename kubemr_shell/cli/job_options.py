"""The options that describe a job on the command line, for ``run`` and ``plan``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kubemr_shell.cli.inherited import environ, inherited
from kubemr_shell.errors import InputNotFound, InvalidSpec, UsageError
from kubemr_shell.job.spec import Job, JobSpec, description

if TYPE_CHECKING:
    from kubemr_shell.local_run.request import RunRequest
    from kubemr_shell.settings import Settings
    from kubemr_shell.worker.memory import MemoryPlan


def _spec_option(*names: str, field: str, **options: Any) -> Callable[[Any], Any]:
    """Return an option that sets a field of the spec. Its help text is the description of the field."""
    return click.option(*names, help=description(field), **options)


_OPTIONS = (
    click.argument("arguments", metavar="[JOB.yaml | INPUT...]", nargs=-1),
    click.option("--job", "job_file", metavar="JOB.yaml", help="The job's YAML. Flags and inputs override it."),
    _spec_option("-m", "--map", "map_command", field="mapCommand", metavar="CMD"),
    _spec_option("-c", "--combine", "combine_command", field="combineCommand", metavar="CMD"),
    _spec_option("-r", "--reduce", "reduce_command", field="reduceCommand", metavar="CMD"),
    _spec_option("-p", "--partitions", field="partitions", type=int, metavar="N"),
    _spec_option("-o", "--output", field="output", metavar="FOLDER|s3://..."),
    _spec_option("--inputs-from", field="inputsFrom", metavar="FILE"),
    _spec_option("--decompress", field="decompress", type=click.Choice(["auto", "none"])),
    _spec_option("--records", field="records", metavar="FORMAT"),
    _spec_option("--header", field="header.mode", type=click.Choice(["keep", "repeat", "drop"])),
    _spec_option("--header-lines", field="header.lines", type=int, metavar="N"),
    _spec_option("--header-prefix", field="header.prefix", metavar="TEXT"),
    _spec_option("--separator", field="key.separator", metavar="TEXT"),
    _spec_option("--key-fields", field="key.fields", type=int, metavar="N"),
    _spec_option("--split-bytes", field="split.maxBytes", metavar="BYTES"),
    _spec_option("--split-records", field="split.records", type=int, metavar="N"),
    _spec_option("--group", field="split.group", metavar="REGEX"),
    _spec_option("--feed", field="split.feed", type=click.Choice(["stdin", "files"])),
    _spec_option("--whole-files", field="split.wholeFiles", is_flag=True),
    _spec_option("--file", "files", field="files", multiple=True, metavar="PATH"),
    _spec_option("--archive", "archives", field="archives", multiple=True, metavar="PATH"),
    _spec_option("--max-attempts", field="maxAttempts", type=int, metavar="N"),
    _spec_option("--timeout", "timeout_seconds", field="timeoutSeconds", type=int, metavar="SECONDS"),
    _spec_option("--nice", field="nice", type=int, metavar="N"),
    _spec_option("--ok-exit-code", "ok_exit_codes", field="okExitCodes", type=int, multiple=True, metavar="N"),
    _spec_option("--compress-output", field="compressOutput", type=click.Choice(["none", "gzip", "zstd"])),
    _spec_option("--env", "env", field="env", multiple=True, metavar="NAME=VALUE"),
    _spec_option("--keep-tmp", field="keepTmp", is_flag=True),
    click.option(
        "--tmp",
        metavar="FOLDER",
        help="The place for temporaries: a folder or an s3:// prefix; default: with the output.",
    ),
    click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Worker processes."),
    click.option("--slots", type=click.IntRange(1), help="Tasks that each worker runs at once; default: the CPUs."),
    click.option("--memory", metavar="BYTES", help="The memory of each worker, such as 512Mi; default: 1Gi."),
)


def job_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the arguments and options that ``request_of`` takes to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request_of(
    *,
    arguments: tuple[str, ...],
    job_file: str | None,
    tmp: str | None,
    workers: int,
    slots: int | None,
    memory: str | None,
    resume: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
    **flags: Any,
) -> RunRequest:
    """Return the request that the values of ``job_options`` make. Raise UsageError or InvalidSpec."""
    from kubemr_shell import settings
    from kubemr_shell.inputs.descriptors import lasting_name
    from kubemr_shell.local_run.request import RunRequest

    known = settings.load(environ())
    folder = _current_folder()
    job = _job_of(arguments, job_file, flags, folder=folder, known=known)
    spec = job.spec
    output = _output_uri(spec.output) if spec.output else None
    return RunRequest(
        name=job.name or f"{job.generate_name or 'run-'}{os.urandom(3).hex()}",
        spec=replace(spec, inputs=tuple(map(lasting_name, spec.inputs))),
        folder=folder,
        output=output,
        tmp=_tmp(tmp, output) if tmp else None,
        state_home=known.state_home,
        workers=workers,
        memory=_memory_plan(spec, memory, slots, known=known, tmp=tmp, quiet=quiet),
        environment=inherited(),
        resume=resume,
        overwrite=overwrite,
        quiet=quiet,
        command_line=("kubemr-shell", *sys.argv[1:]),
    )


def _job_of(
    arguments: tuple[str, ...], job_file: str | None, flags: Mapping[str, Any], *, folder: str, known: Settings
) -> Job:
    """Return the job that the command line describes. Raise UsageError or InvalidSpec if no run can begin with it.

    Without a job file and without a map command, the first argument is the job file. The other arguments are inputs.
    """
    from kubemr_shell.cli.job_file import add_scripts, folder_of, permission_problems, read_job

    is_first_argument = job_file is None and flags["map_command"] is None
    if is_first_argument:
        if not arguments:
            raise UsageError("name a job's YAML, or give a command with -m and inputs: kubemr-shell run --help")
        job_file, *inputs = arguments
    else:
        inputs = list(arguments)
    changes = _changes(flags, inputs)
    for name in {"files", "archives"} & changes.keys():
        changes[name] = [_path_here(path, folder) for path in changes[name]]
    read = _read_first_argument if is_first_argument else read_job
    job = read(job_file, changes, known, is_here=True)
    spec = add_scripts(job.spec, folder_of(job_file) if job_file else folder)
    problems = permission_problems(spec)
    if problems:
        raise InvalidSpec(problems, job_file or "command line")
    if spec.map_command is None:
        raise UsageError("the job has no mapCommand: write one, give it with -m, or set KUBEMR_MAP_COMMAND")
    return replace(job, spec=spec)


def _memory_plan(
    spec: JobSpec, memory: str | None, slots: int | None, *, known: Settings, tmp: str | None, quiet: bool
) -> MemoryPlan:
    """Divide the memory of a worker among its slots. Warn, unless ``quiet``, if the memory is too small for all slots.

    A flag takes precedence over the environment. The environment takes precedence over the spec, and the spec over the
    number of CPUs.
    """
    from kubemr_shell.job.quantity import parse_quantity
    from kubemr_shell.worker.memory import divide_memory

    is_inherited = memory is None and known.memory is not None
    name = "KUBEMR_MEMORY" if is_inherited else "--memory"
    memory_bytes = _quantity(memory or known.memory or "1Gi", name, parse_quantity)
    wanted = slots or _whole(known.slots, "KUBEMR_SLOTS") or spec.slots or len(os.sched_getaffinity(0))
    plan = divide_memory(memory_bytes, wanted, s3=_uses_s3(spec, tmp))
    if plan.slots < wanted and not quiet:
        print(f"--memory is enough for {plan.slots} of {wanted} slots", file=sys.stderr)
    return plan


def _read_first_argument(path: str | None, changes: Mapping[str, Any], known: Settings, *, is_here: bool) -> Job:
    """Read the first argument as a job. If this fails, the user may have forgotten -m: add a hint to the error."""
    from kubemr_shell.cli.job_file import read_job

    try:
        return read_job(path, changes, known, is_here=is_here)
    except (InputNotFound, InvalidSpec) as error:
        if path is None or path == "-" or path.endswith((".yaml", ".yml", ".json")):
            raise
        kind = InputNotFound if isinstance(error, InputNotFound) else UsageError
        hint = "without -m the first argument is a job's YAML: give -m CMD to read it as input"
        raise kind(f"{error}\n  {hint}") from error


def _changes(flags: Mapping[str, Any], inputs: list[str]) -> dict[str, Any]:
    """Return the fields of the spec that flags set, with the values that YAML would have."""
    changes: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in flags.items()
        if value is not None and value is not False and value != ()  # 0 is a value: -p 0
    }
    nested = {
        "key": {"separator": "separator", "fields": "key_fields"},
        "header": {"mode": "header", "lines": "header_lines", "prefix": "header_prefix"},
        "split": {
            "maxBytes": "split_bytes",
            "records": "split_records",
            "group": "group",
            "feed": "feed",
            "wholeFiles": "whole_files",
        },
    }
    for field, names in nested.items():
        values = {name: changes.pop(flag) for name, flag in names.items() if flag in changes}
        if values:
            changes[field] = values
    if "env" in changes:
        changes["env"] = [_variable(text) for text in changes["env"]]
    if "records" in changes:
        changes["records"] = _records(changes["records"])
    if inputs:
        changes["inputs"] = inputs
    return changes


def _records(text: str) -> object:
    """Return the value of ``--records``: a word, NAME=VALUE, or a mapping as in YAML."""
    from kubemr_shell.cli.yaml_file import yaml_of_flag
    from kubemr_shell.job.records import records_of_flag

    return yaml_of_flag(text, "--records") if text.startswith("{") else records_of_flag(text)


def _path_here(path: str, folder: str) -> str:
    """Return a path of the command line, which is relative to the current folder, as an absolute path."""
    return path if "://" in path else os.path.join(folder, path)


def _uses_s3(spec: JobSpec, tmp: str | None) -> bool:
    from kubemr_shell.storage.locate import scheme_of

    named = (*spec.inputs, *spec.files, *spec.archives, spec.inputs_from, spec.output, tmp)
    return any(uri is not None and scheme_of(uri) == "s3" for uri in named)


def _output_uri(uri: str) -> str:
    """Return an absolute path, or an ``s3://`` URI without a slash at its end. Raise UsageError for other URIs."""
    from kubemr_shell.net.s3_uri import as_prefix
    from kubemr_shell.storage.local import path_of
    from kubemr_shell.storage.locate import locate, scheme_of

    locate(uri)
    return as_prefix(uri) if scheme_of(uri) == "s3" else os.path.abspath(path_of(uri))


def _tmp(uri: str, output: str | None) -> str:
    """Return the absolute URI of ``--tmp``. Raise UsageError if it is in the output, which holds only the result."""
    from kubemr_shell.storage.locate import scheme_of

    tmp = _output_uri(uri)
    if output is not None and scheme_of(tmp) == scheme_of(output):
        real = os.path.realpath if scheme_of(tmp) == "file" else str
        if f"{real(tmp)}/".startswith(f"{real(output)}/"):
            raise UsageError(f"--tmp {uri} is at or under the output {output}: choose a place outside it")
    return tmp


def _variable(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--env {text}: write NAME=VALUE")
    return {"name": name, "value": value}


def _current_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise UsageError("the current folder was removed: change to one that exists") from error


def _quantity(text: str, flag: str, parse: Callable[[str], int]) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{flag} {text}: {error}") from error


def _whole(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or text == "0":
        raise UsageError(f"{name}={text}: write a whole number from 1 on")
    return int(text)
