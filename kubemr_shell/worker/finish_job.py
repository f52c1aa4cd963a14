"""Finishes a job after all its parts are published: removes surplus parts of an old result, and writes ``_SUCCESS``.

The board gives the role of the finisher to one worker. If the worker dies in the middle, another worker repeats the
finish.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.steps import RoleClaim
from kubemr_shell.errors import (
    JobFolderGone,
    ObjectNotFound,
)
from kubemr_shell.job.counters import summed_within
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.output_manifest import StagedPart
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import Cancelled
from kubemr_shell.worker.for_each import for_each
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.lease import kept
from kubemr_shell.worker.publish_task import staged_parts
from kubemr_shell.worker.shard_summary import requests_of

PROTOCOL_VERSION = "1.0"
"""The version of protocol/SPEC.md in ``_SUCCESS``."""
PARTS_IN_RESULTS = 256
"""The number of part names in the results that the board keeps."""


class JobFinisher:
    """The finisher of one job, in the workspace and on the board of the job.

    Soon after ``cancel`` is set, the finisher gives its role back, and another worker begins again.
    """

    def __init__(self, board: Board, job: JobContext, *, lease_seconds: float, cancel: Flag) -> None:
        self._board = board
        self._job = job
        self._workspace = job.workspace
        self._lease_seconds = lease_seconds
        self._cancel = cancel

    def finish(self, claim: RoleClaim) -> None:
        """Remove the surplus parts of an old result, write ``_SUCCESS``, and make the job COMPLETE.

        Raise LeaseLost if another worker finishes the job, and JobFolderGone if the folder of the job is gone.
        """
        view = self._board.view()
        shards = range(view.layout(self._job.output_phase).shards)
        try:
            with self._kept(claim):
                read = partial(staged_parts, self._job, view)
                by_shard = for_each(read, shards, self._workspace.storage, self._cancel.fd)
                parts = [part for of_shard in by_shard for part in of_shard]
                manifest = self._manifest(view, parts)
                self._job.old_result.remove_others({part["name"] for part in manifest["parts"]})
                self._write_success(claim, view, manifest)
        except Cancelled:
            self._board.give_back(claim)
            return
        self._board.complete(
            claim,
            {
                "output": self._workspace.output,
                "parts": len(parts),
                "success": self._workspace.success,
                "names": [part["name"] for part in manifest["parts"][:PARTS_IN_RESULTS]],
                "compressOutput": self._job.spec.compress_output,
            },
        )

    def _kept(self, claim: RoleClaim) -> AbstractContextManager[None]:
        return kept(self._board, claim, every_seconds=self._lease_seconds)

    def _manifest(self, view: JobView, parts: list[StagedPart]) -> dict[str, Any]:
        """Return the content of ``_SUCCESS`` (protocol/SPEC.md, section on outputs)."""
        kept = summed_within(view.kept_counters.values())
        return {
            "version": PROTOCOL_VERSION,
            "job": self._job.name,
            "uid": self._job.uid,
            "epoch": view.result_epoch,
            "parts": [
                {
                    "name": self._job.part_name(part.task),
                    "bytes": part.bytes,
                    "records": part.records,
                    "crc32": part.crc32,
                }
                for part in self._cancel.until_set(parts)
            ],
            **({"notes": list(view.plan.notes)} if view.plan and view.plan.notes else {}),
            "counters": kept.counters,
            **({} if kept.dropped_from is None else {"countersDroppedFrom": list(kept.dropped_from)}),
            "requests": requests_of(view.totals.values()),
            "totals": {phase.value: totals for phase, totals in view.totals.items() if phase is not Phase.PUBLISH},
        }

    def _write_success(self, claim: RoleClaim, view: JobView, manifest: dict[str, Any]) -> None:
        storage = self._workspace.output_storage
        text = "".join(self._cancel.until_set(json.JSONEncoder(indent=1).iterencode(manifest)))
        try:
            staged = storage.stage(self._workspace.staged_success(claim.id), target=self._workspace.success)
            staged.write(text.encode() + b"\n")
            # The ``_SUCCESS`` of this result may exist already, if its finisher died before it completed the job.
            is_ours = self._job.old_result.is_finished(view.result_epoch)
            receipt = staged.seal()
            storage.settle([receipt.staged])
            storage.publish(receipt, replace=self._job.old_result.exists or is_ours)
            storage.settle([self._workspace.output])
        except ObjectNotFound as error:
            raise JobFolderGone(str(error)) from error
