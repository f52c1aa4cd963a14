"""Finds what an output already holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kubemr_shell.errors import KubemrError, ObjectNotFound, UsageError
from kubemr_shell.job.names import SUCCESS, is_part_name
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import STATE_NAME, JobFolder
from kubemr_shell.outputs.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputContents:
    """The contents of an output, as far as they matter to a new run."""

    success: dict[str, Any] | None
    """The manifest of a finished result, or None."""
    missing: tuple[str, ...]
    """The names that a finished result should have but lacks."""
    unfinished: JobFolder | None
    """The job that can be resumed from this machine, or None."""
    old_parts: tuple[str, ...] | None
    """The parts that a new result would replace. A finished result or a killed run has published them."""
    strangers: tuple[str, ...]
    """The names that no run of kubemr-shell has put there."""


def look_at_output(output: Output) -> OutputContents:
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
    return OutputContents(
        success=success, missing=missing, unfinished=unfinished, old_parts=old_parts, strangers=strangers
    )


def _may_have_published(job: JobFolder) -> bool:
    """Return whether a job may have published parts before it wrote ``_SUCCESS``."""
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
