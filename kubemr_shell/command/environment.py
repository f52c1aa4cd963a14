"""The environment variables of a command: ``KUBEMR_*``, and the names that Hadoop Streaming scripts read. Pure.

A variable that has no correct value is absent. For example, a task that reads several files has no variable with the
input file, but one with a list of the files.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from kubemr_shell.job.spec import Command

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
"""The PATH of a command if the inherited environment has none."""

THREAD_LIMITS = ("OMP_NUM_THREADS", "GOMAXPROCS")
"""The variables by which libraries and languages limit their threads. A command gets them unless they are set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """The facts about an attempt that its environment variables contain."""

    job_name: str
    job_id: str
    """The job's uid."""
    phase: str
    """``map`` or ``reduce``."""
    task: int
    attempt: int
    maps: int | None
    """The number of map tasks of the job; None if the number is not known."""
    partitions: int
    worker: str
    output: str
    """The URI of the folder for the results."""
    cpus: int = 1
    """The number of CPUs that the attempt may keep busy."""
    input_uri: str | None = None
    """The URI of the input file of a map task that reads one file.

    ``input_start`` and ``input_length`` are the byte range of the task in the file. Without a length, the range reaches
    to the end of the file.
    """
    input_start: int = 0
    input_length: int | None = None
    input_files: str | None = None
    """The path of a list of the input files of a map task that reads several files: one URI on each line."""


def inherited_environment(environ: Mapping[str, str], *, is_frozen: bool) -> dict[str, str]:
    """Return the environment that commands inherit: ``environ`` without the changes of PyInstaller.

    With the LD_LIBRARY_PATH of PyInstaller, commands would load our libraries instead of theirs. With its ``_PYI_*``
    variables, another frozen program would take itself for a part of this one.
    """
    if not is_frozen:
        return dict(environ)
    inherited = {name: value for name, value in environ.items() if not name.startswith("_PYI_")}
    inherited.pop("LD_LIBRARY_PATH", None)
    original = inherited.pop("LD_LIBRARY_PATH_ORIG", None)
    if original is not None:
        inherited["LD_LIBRARY_PATH"] = original
    return inherited


def attempt_environment(
    inherited: Mapping[str, str], facts: AttemptFacts, user: Mapping[str, str], *, folder: str, command: Command
) -> dict[str, str]:
    """Return all variables of one attempt. Variables that the user sets replace all others.

    ``folder`` is the current folder of the attempt. It is the first entry of PATH if the command is a list.
    """
    environment = dict(inherited)
    ours = {"TMPDIR": folder, **_of_us(facts), **_of_hadoop(facts, folder)}
    for name, value in ours.items():
        if value is not None:
            environment[name] = value
        else:
            environment.pop(name, None)  # this worker may itself run in a task of another job
    for name in THREAD_LIMITS:
        environment.setdefault(name, str(facts.cpus))
    environment.update(user)
    if not isinstance(command, str):
        # PATH has no way to quote a colon. The current folder is the same folder until the command changes it.
        first = "." if ":" in folder else folder
        environment["PATH"] = f"{first}:{environment.get('PATH', DEFAULT_PATH)}"
    return environment


def _of_us(facts: AttemptFacts) -> dict[str, str | None]:
    return {
        "KUBEMR_JOB_NAME": facts.job_name,
        "KUBEMR_JOB_ID": facts.job_id,
        "KUBEMR_PHASE": facts.phase,
        "KUBEMR_TASK": str(facts.task),
        "KUBEMR_ATTEMPT": str(facts.attempt),
        "KUBEMR_MAPS": _text(facts.maps),
        "KUBEMR_PARTITIONS": str(facts.partitions),
        "KUBEMR_WORKER": facts.worker,
        "KUBEMR_CPUS": str(facts.cpus),
        "KUBEMR_INPUT": facts.input_uri,
        "KUBEMR_INPUT_START": _input_start(facts),
        "KUBEMR_INPUT_LENGTH": _text(facts.input_length),
        "KUBEMR_INPUT_FILES": facts.input_files,
    }


def _of_hadoop(facts: AttemptFacts, folder: str) -> dict[str, str | None]:
    """Return the variables of Hadoop, each under its new and its old name.

    The variable of the folder whose files Hadoop publishes (``mapreduce_task_output_dir``) is missing: no such folder
    exists here.
    """
    is_map = facts.phase == "map"
    job = f"{zlib.crc32(facts.job_id.encode()):010d}_0001"
    task = f"{job}_{'m' if is_map else 'r'}_{facts.task:06d}"
    rows = (
        ("mapreduce_job_id", "mapred_job_id", f"job_{job}"),
        ("mapreduce_job_name", "mapred_job_name", facts.job_name),
        ("mapreduce_task_id", "mapred_tip_id", f"task_{task}"),
        ("mapreduce_task_attempt_id", "mapred_task_id", f"attempt_{task}_{facts.attempt}"),
        ("mapreduce_task_partition", "mapred_task_partition", str(facts.task)),
        ("mapreduce_task_ismap", "mapred_task_is_map", "true" if is_map else "false"),
        ("mapreduce_job_maps", "mapred_map_tasks", _text(facts.maps)),
        ("mapreduce_job_reduces", "mapred_reduce_tasks", str(facts.partitions)),
        ("mapreduce_output_fileoutputformat_outputdir", "mapred_output_dir", facts.output),
        ("mapreduce_job_local_dir", "job_local_dir", folder),
        ("mapreduce_map_input_file", "map_input_file", facts.input_uri),
        ("mapreduce_map_input_start", "map_input_start", _input_start(facts)),
        ("mapreduce_map_input_length", "map_input_length", _text(facts.input_length)),
    )
    return {name: value for new, old, value in rows for name in (new, old)}


def _input_start(facts: AttemptFacts) -> str | None:
    return None if facts.input_uri is None else str(facts.input_start)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
