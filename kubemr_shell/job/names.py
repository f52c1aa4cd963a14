"""Every name that is derived from a job, a task or an attempt."""

from __future__ import annotations

import re

from kubemr_shell.job.state import Phase

SUCCESS = "_SUCCESS"
STATE = "_kubemr"
"""What stands in an output below this name is the state of its jobs."""
OWNER = "owner"
"""Directly below that, it names the run that has the output; below the uid of a job of a cluster, that job has it."""
COMPRESSED_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}
"""Of parts, by the job's compressOutput."""
_HTTP = re.compile("https?://", re.IGNORECASE)
PART = "part-"
"""Names of parts begin with it."""
_PART = re.compile(PART + r"[0-9]{5,}(\.gz|\.zst)?")

_UID = re.compile("[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uid(name: str) -> bool:
    """Return whether a folder or a prefix of this name can be a job's: a run's uid, or that of a Kubernetes object.

    What has another name is never a job's, wherever it stands: it is not removed.
    """
    return _UID.fullmatch(name) is not None


def part_name(index: int, compression: str = "none") -> str:
    return f"{PART}{index:05d}{COMPRESSED_SUFFIXES.get(compression, '')}"


def is_part_name(name: str) -> bool:
    return _PART.fullmatch(name) is not None


def file_name(uri: str) -> str:
    """The name in the attempt's folder of one of the job's files or archives: what stands last in its path."""
    if _HTTP.match(uri):
        uri = re.split("[?#]", uri, maxsplit=1)[0]
        uri = uri.partition("://")[2].partition("/")[2]
    return uri.rstrip("/").rpartition("/")[2]


def shard_name(job: str, phase: Phase, epoch: int, index: int) -> str:
    """The document of a shard; its letter is the phase's first."""
    return f"{job}-{phase.value[0]}{epoch}-{index:05d}"


def attempt_name(task: int, attempt: int) -> str:
    return f"{task}.{attempt}"


def task_label(phase: Phase, task: int) -> str:
    """How messages, logs and ``debug`` call a task: ``map/17``."""
    return f"{phase.value}/{task}"


def parse_task_label(label: str) -> tuple[Phase, int]:
    """The inverse of ``task_label``; ValueError when it is none."""
    phase, _, task = label.partition("/")
    if not (task.isascii() and task.isdigit()):
        raise ValueError(f"{label!r} is no task: write map/17 or reduce/3")
    return Phase(phase), int(task)
