"""Finds what an output already holds, and decides whether a run may use the output."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from kubemr_shell.errors import KubemrError, ObjectNotFound, UsageError
from kubemr_shell.inputs.key_pattern import KeyPattern
from kubemr_shell.inputs.local_files import is_listed_literally
from kubemr_shell.job.names import COMPRESSED_SUFFIXES, SUCCESS, is_part_name, part_name
from kubemr_shell.local_run.job_access import open_board
from kubemr_shell.local_run.job_folder import STATE_NAME, JobFolder
from kubemr_shell.local_run.output import Output
from kubemr_shell.net.s3_uri import is_s3, split_uri

_UID = "0" * 32
_KEPT_IN_TMP = (
    f"{_UID}/plan/0.splits-00000.jsonl",
    f"{_UID}/journal/map-00000.0.json",
    f"{_UID}/journal/map-00000.0.manifest",
    f"{_UID}/map/0.0",
)
"""Examples of the names that jobs use below ``--tmp``, to be matched against inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The contents of an output, as far as they matter to a new run."""

    success: dict[str, Any] | None
    """The manifest of a finished result, or None."""
    missing: tuple[str, ...]
    """The names that a finished result should have but lacks."""
    unfinished: JobFolder | None
    """The job that can be resumed from this machine, or None."""
    old_parts: tuple[str, ...] | None
    """The parts that a new result would replace: of a finished result, or of a killed run that had published them."""
    strangers: tuple[str, ...]
    """The names that no run of kubemr-shell has put there."""


def look_at_output(output: Output) -> Found:
    """Return the contents of an output. A missing output counts as empty."""
    names = output.names()
    success = read_success(output) if SUCCESS in names else None
    unfinished = output.unfinished()
    parts = {part["name"] for part in (success or {}).get("parts", [])}
    missing = tuple(sorted({SUCCESS, *parts} - set(names)))
    if unfinished is not None and _may_have_published(unfinished):
        parts |= {name for name in names if is_part_name(name)}
    ours = parts | {STATE_NAME, SUCCESS}
    strangers = tuple(name for name in names if name not in ours)
    old_parts = tuple(sorted(parts)) if success is not None or parts else None
    return Found(success=success, missing=missing, unfinished=unfinished, old_parts=old_parts, strangers=strangers)


def check_output(output: Output, found: Found, *, resume: bool, overwrite: bool) -> None:
    """Raise UsageError if the run would mix two results or lose other files. The error says which flag helps."""
    place = f"the output {output.uri}"
    if found.strangers:
        shown = ", ".join(found.strangers[:3]) + (" …" if len(found.strangers) > 3 else "")
        raise UsageError(f"{place} holds files that kubemr-shell did not write ({shown}): choose another {output.kind}")
    if found.success is not None and not (overwrite or resume):
        raise UsageError(f"{place} holds a finished result: --overwrite replaces it")
    if found.success is None and found.unfinished and not (overwrite or resume):
        raise UsageError(f"{place} holds an unfinished job: --resume continues it, --overwrite starts again")


def check_unowned(output: Output) -> None:
    """Raise UsageError if the output holds something of a cluster job: that job may still be at work."""
    if uids := output.unowned():
        raise UsageError(
            f"the output {output.uri} holds temporaries of a job of a cluster ({uids[0]}): wait for its end, or choose "
            f"another {output.kind}; if that job is gone, kubemr-shell clean --force {output.uri} removes what it left"
        )


def check_no_cluster_job(output: Output) -> None:
    """Raise UsageError if a cluster job may be at work in an output that a user wants to clean.

    Only the job's board, in the cluster, tells whether the job runs. The age of its objects tells nothing: while a task
    runs for hours, nothing is written.
    """
    if uids := output.unowned():
        columns = "NAMESPACE:.metadata.namespace,JOB:.metadata.name,UID:.metadata.uid"
        raise UsageError(
            f"{output.uri} holds temporaries of a job of a cluster ({uids[0]}), which may be at work: kubemr-shell "
            f"delete removes it with them; its name: kubectl get mapreducejobs -A -o custom-columns={columns} | "
            f"grep {uids[0]}; if it is gone: kubemr-shell clean --force {output.uri}"
        )


def check_whole(output: str, found: Found) -> None:
    """Raise UsageError if some file of a finished result has been removed."""
    if found.missing:
        raise UsageError(
            f"the finished result in {output} has no {', '.join(found.missing[:3])} any more: "
            "put it back, or start again with --overwrite"
        )


def check_apart(output: str, inputs: tuple[str, ...], folder: str) -> None:
    """Raise UsageError if the output is at or under an input: the job would read its own output.

    In S3 the names alone decide.
    """
    parts = [part_name(0, compression) for compression in ("none", *COMPRESSED_SUFFIXES)] if is_s3(output) else []
    for place in (output, *(f"{output}/{part}" for part in parts)):
        _check_apart(place, f"the output {output}", inputs, folder)


def check_tmp_apart(tmp: str, inputs: tuple[str, ...], folder: str) -> None:
    """Raise UsageError if an input would name the files that jobs keep in ``--tmp``.

    Otherwise a second planner would read the plan of the first planner as an input.
    """
    for name in _KEPT_IN_TMP:
        _check_apart(f"{tmp}/{name}", f"--tmp {tmp}", inputs, folder)


def _check_apart(place: str, called: str, inputs: tuple[str, ...], folder: str) -> None:
    is_in, kind = (_is_prefix_in, "prefix") if is_s3(place) else (_is_folder_in, "folder")
    for uri in inputs:
        if is_in(place, uri, folder):
            raise UsageError(f"{called} is at or under the input {uri}: choose a {kind} outside it")


def _is_folder_in(output: str, uri: str, folder: str) -> bool:
    path = uri.removeprefix("file://")
    if "://" in path or path == "-":
        return False
    place, source = os.path.realpath(output), os.path.realpath(os.path.join(folder, path))
    is_under = os.path.isdir(source) and place.startswith(source.rstrip("/") + "/")
    return place == source or is_under or (not is_listed_literally(source) and _is_named(place, source))


def _is_prefix_in(output: str, uri: str, _: str) -> bool:
    """Return whether an S3 prefix is at or under an input. The input may be a pattern for the prefix or its parents."""
    if not is_s3(uri):
        return False
    place, source = (split_uri(name) for name in (output, uri))
    if place[0] != source[0]:
        return False
    key, pattern = place[1], source[1]
    is_under = f"{key}/".startswith(pattern if pattern.endswith("/") or not pattern else f"{pattern}/")
    return is_under or KeyPattern(pattern).matches(key)


def _is_named(place: str, pattern: str) -> bool:
    """Return whether a pattern matches a path or one of its parent folders, whatever exists now."""

    def fits(names: list[str], parts: list[str]) -> bool:
        if not parts:
            return True
        if parts[0] == "**":
            return any(fits(names[count:], parts[1:]) for count in range(len(names) + 1))
        return bool(names) and fnmatchcase(names[0], parts[0]) and fits(names[1:], parts[1:])

    return fits(place.split("/"), pattern.split("/"))


def _may_have_published(job: JobFolder) -> bool:
    """Return whether a job may have published the parts that no ``_SUCCESS`` names."""
    try:
        with open_board(job) as board:
            return board.view().publishing
    except KubemrError:  # a damaged board, or one of another version
        return True


def read_success(output: Output) -> dict[str, Any] | None:
    """Return the manifest of a finished result, or None without one. Raise UsageError if the file is no manifest."""
    refusal = f"{output.success} is not a manifest of kubemr-shell: choose another {output.kind}"
    try:
        manifest = json.loads(output.storage.read(output.success))
    except ObjectNotFound:
        return None
    except ValueError as error:
        raise UsageError(refusal) from error
    if not isinstance(manifest, dict) or "parts" not in manifest:
        raise UsageError(refusal)
    return manifest
