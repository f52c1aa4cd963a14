"""Divides the listed inputs of a job into map tasks, for the planner of a job and for ``plan``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kubemr_shell.inputs.cutters import splits_of
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.looking import with_headers, with_kinds
from kubemr_shell.inputs.notes import notes_on
from kubemr_shell.inputs.records.formats import header_format
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """The inputs of a job and their splits."""

    objects: Sequence[InputObject]
    """The inputs, with what their first bytes have shown."""
    headers: Mapping[str, bytes]
    """The headers that tasks get from the plan, by their names."""
    splits: Iterator[Split]
    """The splits. The iteration reads inputs, and raises the errors of ``splits_of``."""
    notes: tuple[str, ...]
    """Sentences for the user about the division."""


def divided(
    listed: Sequence[InputObject],
    spec: JobSpec,
    rules: SplitSpec,
    *,
    files: Mapping[str, str],
    parallelism: int,
    folder: str,
    scratch: str,
    s3: S3Config,
    cancel_fd: int = NOBODY,
) -> Division:
    """Divide inputs into splits. ``parallelism`` is the number of tasks that can run at the same time.

    ``rules`` is the ``split`` of the spec, limited by the memory of a worker. ``files`` has the local paths of the
    job's files, by their URIs. ``folder`` is the folder of relative names, and ``scratch`` a folder for temporary
    files. Raise the errors of ``with_kinds`` and ``with_headers``.
    """
    rules, notes = _packing_rules(rules, spec, files, inputs=len(listed))
    found = with_kinds(listed, split=rules, parallelism=parallelism, s3=s3, cancel_fd=cancel_fd)
    objects, headers = with_headers(
        found,
        header_format(spec.header, spec.records),
        split=rules,
        parallelism=parallelism,
        folder=folder,
        s3=s3,
        cancel_fd=cancel_fd,
    )
    splits = splits_of(
        objects,
        spec.records,
        rules,
        parallelism=parallelism,
        folder=folder,
        scratch=scratch,
        s3=s3,
        cancel_fd=cancel_fd,
    )
    return Division(objects=objects, headers=headers, splits=splits, notes=(*notes, *notes_on(found)))


def decompression_of(spec: JobSpec) -> Literal["auto", "none"]:
    """Return how the inputs are decompressed. With split.feed: files, a command gets the files as they are stored."""
    return "none" if spec.split.feed == "files" else spec.decompress


def _packing_rules(
    rules: SplitSpec, spec: JobSpec, files: Mapping[str, str], *, inputs: int
) -> tuple[SplitSpec, tuple[str, ...]]:
    """Return the rules and the notes of ``with_packing`` for a number of inputs. One input is never packed."""
    if inputs < 2:
        return rules, ()
    from kubemr_shell.inputs.packing import with_packing

    return with_packing(rules, spec, files)
