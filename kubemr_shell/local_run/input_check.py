"""Checks that the inputs of a planned job are unchanged, before a resume uses the work that was made from them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

from kubemr_shell.board.job_state import PlanFacts
from kubemr_shell.errors import InputChanged, KubemrError
from kubemr_shell.inputs.growth import size_and_time
from kubemr_shell.job.names import file_location
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3, split_uri
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import fingerprint
from kubemr_shell.waits.retry import LISTING_PATIENCE
from kubemr_shell.worker.pins import pin_by_times
from kubemr_shell.worker.splits import PlannedSplits
from kubemr_shell.worker.workspace import Workspace


def check_inputs_unchanged(workspace: Workspace, plan: PlanFacts) -> None:
    """Raise InputChanged for the first input that has changed since the job was planned.

    A local file has changed if its size or time has; an S3 object, if its ETag has. Inputs of web servers are not
    checked.
    """
    in_s3: dict[str, str] = {}
    for uri, planned in _planned(workspace, plan):
        if is_s3(uri):
            in_s3[uri] = planned
        elif "://" not in uri:
            _check(uri, planned)
    if in_s3:
        _check_objects(in_s3, workspace.s3)


def file_pins(spec: JobSpec) -> dict[str, str]:
    """Return the pins of the job's ``files`` and ``archives`` that are on this machine, by path."""
    found = {}
    for path in (*spec.files, *spec.archives):
        with suppress(OSError):
            found[path] = pin_by_times(file_location(path))
    return found


def _planned(workspace: Workspace, plan: PlanFacts) -> Iterator[tuple[str, str]]:
    """Yield the URI and the fingerprint of each input, once."""
    seen: set[str] = set()
    for split in PlannedSplits(workspace, lambda: plan.claim_id) if plan.tasks else ():
        for piece in split.pieces:
            if piece.uri not in seen:
                seen.add(piece.uri)
                yield piece.uri, piece.fingerprint


def _check(path: str, planned: str) -> None:
    try:
        now = fingerprint(os.stat(path))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if now != size_and_time(planned):
        raise _changed(path)


def _check_objects(planned: dict[str, str], s3: S3Config) -> None:
    from kubemr_shell.net.s3_client import client_for
    from kubemr_shell.net.s3_look_up import look_up

    by_bucket: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for uri in planned:
        bucket, key = split_uri(uri)
        by_bucket[bucket][key] = uri
    for bucket, uris in by_bucket.items():
        for key, found in look_up(client_for(s3), bucket, uris, patience=LISTING_PATIENCE).items():
            if isinstance(found, KubemrError):
                raise found
            if found is None:
                raise _unreadable(uris[key], "no such object")
            _, _, etag = planned[uris[key]].partition(" ")
            if etag not in ("", found.etag):
                raise _changed(uris[key])


def _unreadable(uri: str, reason: str) -> InputChanged:
    return InputChanged(
        f"{shown(uri)}: cannot be read any more ({reason}): put it back, or start again with --overwrite"
    )


def _changed(uri: str) -> InputChanged:
    return InputChanged(f"{shown(uri)}: changed since the job was planned: start again with --overwrite")
