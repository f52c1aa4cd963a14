"""What an output holds already, and whether a run may use it."""

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
"""Names as jobs have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands in an output."""

    success: dict[str, Any] | None
    """The manifest of a finished result."""
    missing: tuple[str, ...]
    """What a finished result should have and does not."""
    unfinished: JobFolder | None
    """A job that can be resumed from here."""
    old_parts: tuple[str, ...] | None
    """What a new result would replace: the parts of a finished one, or those that a killed run had published."""
    strangers: tuple[str, ...]
    """Names that no run of ours put there."""


def look_at_output(output: Output) -> Found:
    """Read the output; one that is missing is empty."""
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
    """Refuse an output that would mix two results or lose somebody's files; say which flag helps."""
    place = f"the output {output.uri}"
    if found.strangers:
        shown = ", ".join(found.strangers[:3]) + (" …" if len(found.strangers) > 3 else "")
        raise UsageError(f"{place} holds files that are not a result of ours ({shown}): choose another {output.kind}")
    if found.success is not None and not (overwrite or resume):
        raise UsageError(f"{place} holds a finished result: --overwrite replaces it")
    if found.success is None and found.unfinished and not (overwrite or resume):
        raise UsageError(f"{place} holds an unfinished job: --resume goes on with it, --overwrite starts anew")


def check_unowned(output: Output) -> None:
    """Refuse an output in which a job of a cluster is at work, or was: nobody can tell from here."""
    if uids := output.unowned():
        raise UsageError(
            f"the output {output.uri} holds temporaries of a job of a cluster ({uids[0]}): wait for its end, or choose "
            f"another {output.kind}; if that job is gone, kubemr-shell clean --force {output.uri} removes what it left"
        )


def check_no_cluster_job(output: Output) -> None:
    """Refuse to clean where a job of a cluster may be at work: only its board, in the cluster, tells whether it is.

    How old its objects are tells nothing: while a task runs for hours, nothing is written.
    """
    if uids := output.unowned():
        columns = "NAMESPACE:.metadata.namespace,JOB:.metadata.name,UID:.metadata.uid"
        raise UsageError(
            f"{output.uri} holds temporaries of a job of a cluster ({uids[0]}), which may be at work: kubemr-shell "
            f"delete removes it with them; its name: kubectl get mapreducejobs -A -o custom-columns={columns} | "
            f"grep {uids[0]}; if it is gone: kubemr-shell clean --force {output.uri}"
        )


def check_whole(output: str, found: Found) -> None:
    """Refuse to take a result for finished that somebody has removed something of."""
    if found.missing:
        raise UsageError(
            f"the finished result in {output} has no {', '.join(found.missing[:3])} any more: "
            "put it back, or start anew with --overwrite"
        )


def check_apart(output: str, inputs: tuple[str, ...], folder: str) -> None:
    """Refuse an output at or under an input: the job would read what it writes. The names alone decide in S3."""
    parts = [part_name(0, compression) for compression in ("none", *COMPRESSED_SUFFIXES)] if is_s3(output) else []
    for place in (output, *(f"{output}/{part}" for part in parts)):
        _check_apart(place, f"the output {output}", inputs, folder)


def check_tmp_apart(tmp: str, inputs: tuple[str, ...], folder: str) -> None:
    """Refuse ``--tmp`` where an input names what jobs keep there: a second planner would read the plan of the first."""
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
    """A glob may stand for the prefix, or for what is above it."""
    if not is_s3(uri):
        return False
    place, source = (split_uri(name) for name in (output, uri))
    if place[0] != source[0]:
        return False
    key, pattern = place[1], source[1]
    is_under = f"{key}/".startswith(pattern if pattern.endswith("/") or not pattern else f"{pattern}/")
    return is_under or KeyPattern(pattern).matches(key)


def _is_named(place: str, pattern: str) -> bool:
    """Whether a glob names the place or a folder above it, whatever is there now."""

    def fits(names: list[str], parts: list[str]) -> bool:
        if not parts:
            return True
        if parts[0] == "**":
            return any(fits(names[count:], parts[1:]) for count in range(len(names) + 1))
        return bool(names) and fnmatchcase(names[0], parts[0]) and fits(names[1:], parts[1:])

    return fits(place.split("/"), pattern.split("/"))


def _may_have_published(job: JobFolder) -> bool:
    """Whether parts that no ``_SUCCESS`` names may be this job's."""
    try:
        with open_board(job) as board:
            return board.view().publishing
    except KubemrError:  # a damaged board, or one of another version
        return True


def read_success(output: Output) -> dict[str, Any] | None:
    """The manifest of a finished result; None where there is none, UsageError for a file that is no manifest."""
    refusal = f"{output.success} is not a manifest of ours: choose another {output.kind}"
    try:
        manifest = json.loads(output.storage.read(output.success))
    except ObjectNotFound:
        return None
    except ValueError as error:
        raise UsageError(refusal) from error
    if not isinstance(manifest, dict) or "parts" not in manifest:
        raise UsageError(refusal)
    return manifest
