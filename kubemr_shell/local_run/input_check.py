"""Whether the inputs of a planned job are still what they were, before a resume uses what was made of them."""

from __future__ import annotations

import os

from kubemr_shell.board.job_view import PlanFacts
from kubemr_shell.errors import InputChanged
from kubemr_shell.job.split import Split
from kubemr_shell.storage.local import fingerprint
from kubemr_shell.worker.workspace import SPLITS_A_CHUNK, Workspace


def check_inputs_unchanged(workspace: Workspace, plan: PlanFacts) -> None:
    """InputChanged names the first local file whose size or time is another than when the job was planned."""
    seen: set[str] = set()
    for chunk in range(-(-plan.tasks // SPLITS_A_CHUNK)):
        for line in workspace.read_chunk(plan.claim_id, chunk):
            for piece in Split.from_json(line).pieces:
                if piece.uri not in seen and "://" not in piece.uri:
                    seen.add(piece.uri)
                    _check(piece.uri, piece.fingerprint)


def _check(path: str, planned: str) -> None:
    try:
        now = fingerprint(os.stat(path))
    except OSError as error:
        raise InputChanged(
            f"{path}: cannot be read any more ({error.strerror}): put it back, or start anew with --overwrite"
        ) from error
    if now != planned:
        raise InputChanged(f"{path}: changed since the job was planned: start anew with --overwrite")
