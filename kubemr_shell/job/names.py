"""The names that are derived from a job, a task or an attempt."""

from __future__ import annotations

import re

from kubemr_shell.job.state import Phase

SUCCESS = "_SUCCESS"
"""The file that appears last in an output, when all parts are complete."""
STATE = "_kubemr"
"""The folder or prefix inside an output that holds the state of its jobs."""
OWNER = "owner"
"""The file that names the owner of an output.

Directly inside ``STATE`` it belongs to a run, inside the folder of a uid to the job of a cluster with this uid.
"""
INPUT_LIST = ".kubemr-inputs"
"""The file in the attempt's folder that lists the inputs of a split, for ``KUBEMR_INPUT_FILES``."""
COMPRESSED_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}
"""The suffixes of the names of parts, by the job's compressOutput."""
_HTTP = re.compile("https?://", re.IGNORECASE)
_NAMED = re.compile("(.*[^/])#([^#/]+)", re.DOTALL)
"""A file or an archive, ``#``, and its name in the attempt's folder."""
PART = "part-"
"""The beginning of the name of a part."""
_PART = re.compile(PART + r"[0-9]{5,}(\.gz|\.zst)?")

_UID = re.compile("[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uid(name: str) -> bool:
    """Return whether a name is a uid: of a run, or of a Kubernetes object.

    A folder or a prefix with any other name does not belong to a job, so it is never removed.
    """
    return _UID.fullmatch(name) is not None


def part_name(index: int, compression: str = "none") -> str:
    """Return the name of the part with this number."""
    return f"{PART}{index:05d}{COMPRESSED_SUFFIXES.get(compression, '')}"


def is_part_name(name: str) -> bool:
    """Return whether a file of this name is a part."""
    return _PART.fullmatch(name) is not None


def file_name(uri: str) -> str:
    """Return the name of a file or an archive in the attempt's folder.

    The name is what follows the last ``#``, as in ``data.txt#dictionary``, or else the last name of the path.
    """
    named = _NAMED.fullmatch(uri)
    return named[2] if named else input_name(uri)


def input_name(uri: str) -> str:
    """Return the last name of the path of an input."""
    if _HTTP.match(uri):
        uri = re.split("[?#]", uri, maxsplit=1)[0]
        uri = uri.partition("://")[2].partition("/")[2]
    return uri.rstrip("/").rpartition("/")[2]


def file_location(uri: str) -> str:
    """Return the path or URI of a file or an archive, without the name that may follow it behind ``#``."""
    named = _NAMED.fullmatch(uri)
    return named[1] if named else uri


def shard_name(job: str, phase: Phase, epoch: int, index: int) -> str:
    """Return the name of a shard's document. It contains the first letter of the phase."""
    return f"{job}-{phase.value[0]}{epoch}-{index:05d}"


def attempt_name(task: int, attempt: int) -> str:
    """Return the name of an attempt: ``17.0`` is attempt 0 of task 17."""
    return f"{task}.{attempt}"


def parse_attempt_name(name: str) -> tuple[int, int]:
    """Return the task and the attempt of a name: the reverse of ``attempt_name``."""
    task, _, attempt = name.partition(".")
    return int(task), int(attempt)


def task_label(phase: Phase, task: int) -> str:
    """Return the name of a task in messages, in logs and for ``debug``: ``map/17``."""
    return f"{phase.value}/{task}"


def parse_task_label(label: str) -> tuple[Phase, int]:
    """Return the phase and the number of a task label. Raise ValueError for any other text."""
    phase, _, task = label.partition("/")
    if not (task.isascii() and task.isdigit()):
        raise ValueError(f"{label!r} is no task: write map/17 or reduce/3")
    return Phase(phase), int(task)
