"""What one worker does for all: close a shard, publish its parts, finish the job.

Each is a step that the board hands out. A worker that dies in the middle is followed by another, which does the same
again: everything here may be done twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, TypeVar

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_view import JobView
from kubemr_shell.board.steps import Attempt, Claim, Closing, RoleClaim
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.errors import (
    KubemrError,
    LeaseLost,
    ObjectNotFound,
    Sequel,
    StorageError,
)
from kubemr_shell.job import names
from kubemr_shell.job.counters import summed_within
from kubemr_shell.job.state import Phase
from kubemr_shell.net.waiting import Cancelled
from kubemr_shell.shuffle.output_manifest import StagedPart, decode_output_manifest
from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.needed import needed
from kubemr_shell.worker.closing import (
    MissingEntries,
    entries_of_winners,
    requests_of,
    shard_counters,
    shard_manifest,
    shard_totals,
)
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.lease import kept
from kubemr_shell.worker.requests import for_each

PROTOCOL_VERSION = "1.0"
"""Of protocol/SPEC.md, as ``_SUCCESS`` says it."""
PARTS_IN_RESULTS = 256

T = TypeVar("T")


class Stages:
    """The steps of one job, carried out against its workspace and its board; LeaseLost when another takes one over.

    Soon after ``cancel`` was set, finishing is left, for another worker to begin again.
    """

    def __init__(self, board: Board, job: JobContext, *, lease_seconds: float, cancel: Cancel) -> None:
        self._board = board
        self._job = job
        self._workspace = job.workspace
        self._lease_seconds = lease_seconds
        self._cancel = cancel

    @property
    def max_attempts(self) -> int:
        return self._job.spec.max_attempts

    @property
    def output_phase(self) -> Phase:
        return self._job.output_phase

    def write_journal(self, claim: Claim, entries: list[Entry]) -> None:
        self._workspace.write_batch(claim.phase, claim.shard, claim.id, entries)

    def abandon(self, phase: Phase, attempts: Sequence[Attempt]) -> None:
        """Delete what attempts have staged that cannot win any more; what stays, the end of the job removes."""
        if phase is not self.output_phase:
            return
        storage = self._workspace.output_storage
        with suppress(KubemrError):
            for_each(lambda attempt: storage.abandon(self._workspace.staged(*attempt)), attempts, storage)

    def close(self, step: Closing) -> Sequence[Attempt]:
        """Write the shard's manifest and close it; else the winners that the journal does not know."""
        entries = {
            Attempt(entry.task, entry.attempt): entry for entry in self._workspace.read_batches(step.phase, step.shard)
        }
        try:
            winners = entries_of_winners(entries, first=step.first, winners=step.winners)
            counted = [entries[attempt] for attempt in step.counted]
            replaced = self._replaced(step, entries)
            if step.phase is not Phase.PUBLISH:
                with_ranges = step.phase is Phase.MAP and not self._job.is_map_only
                uri = self._workspace.shard_manifest(step.phase, step.epoch, step.shard)
                self._workspace.write(uri, shard_manifest(winners, with_ranges=with_ranges))
            self._board.close(
                step, counters=shard_counters(counted, replaced), totals=shard_totals(step.phase, counted, replaced)
            )
        except MissingEntries as missing:
            return missing.attempts
        return ()

    def _replaced(self, step: Closing, entries: Mapping[Attempt, Entry]) -> list[Entry]:
        """The entries of which the counters are to be taken back; StorageError where the journal has lost one."""
        if lost := [attempt for attempt in step.replaced if attempt not in entries]:
            uri = self._workspace.journal(step.phase, step.shard)
            raise StorageError(
                f"{uri}.*: damaged or gone, though {names.task_label(step.phase, lost[0].task)} was counted by it: "
                "the job cannot go on without it",
                sequel=Sequel.BEGINS_ANEW,
            )
        return [entries[attempt] for attempt in step.replaced]

    def finish(self, claim: RoleClaim) -> None:
        """Write ``_SUCCESS``, remove what an older result had more, and complete the job."""
        view = self._board.view()
        shards = range(view.layout(self._job.output_phase).shards)
        try:
            with self._kept(claim):
                read = partial(self._parts, view)
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

    def publish(self, shard: int, cancel: Cancel) -> list[Attempt] | None:
        """Publish the parts of one shard of the output phase; the attempts whose output is lost.

        None: the shard was reopened since this was claimed, and has no manifest to go by. Cancelled between two parts.
        """
        view = self._board.known
        if shard not in view.closed_shards(self.output_phase):
            return None
        self._remove_old_success(view)
        parts = self._parts(view, shard)
        storage = self._workspace.output_storage
        # A name that survives a power cut must stand for bytes that do, and the board for names that do.
        storage.settle(self._workspace.staged(part.task, part.attempt) for part in parts)
        are_there = for_each(self._publish, parts, storage, cancel.fd)
        storage.settle([self._workspace.output])
        return [
            Attempt(part.task, part.attempt) for part, is_there in zip(parts, are_there, strict=True) if not is_there
        ]

    def _publish(self, part: StagedPart) -> bool:
        """False when the part is lost."""
        try:
            self._workspace.output_storage.publish(self._receipt(part), replace=self._job.old_result.exists)
        except ObjectNotFound:
            return False
        return True

    def _remove_old_success(self, view: JobView) -> None:
        """From here on the output holds no result until it holds the new one."""
        if not self._job.old_result.stands(view.result_epoch):
            return
        # One who was about to finish the old result of this same job, and sleeps, must not put it back.
        storage = self._workspace.output_storage
        for item in storage.list(self._workspace.staged_success("")):
            storage.abandon(item.uri)
        self._job.old_result.remove_success()
        storage.settle([self._workspace.output])

    def _kept(self, claim: RoleClaim) -> AbstractContextManager[None]:
        return kept(self._board, claim, every_seconds=self._lease_seconds)

    def _parts(self, view: JobView, shard: int) -> list[StagedPart]:
        phase = self._job.output_phase
        uri = self._workspace.shard_manifest(phase, view.shard_epoch(phase, shard), shard)
        with needed():
            return decode_output_manifest(self._workspace.storage.read(uri), uri)

    def _receipt(self, part: StagedPart) -> Receipt:
        return Receipt(
            staged=self._workspace.staged(part.task, part.attempt),
            target=self._workspace.part(self._job.part_name(part.task)),
            bytes=part.bytes,
            crc32=part.crc32,
            records=part.records,
            seal=part.seal,
        )

    def _manifest(self, view: JobView, parts: list[StagedPart]) -> dict[str, Any]:
        """What ``_SUCCESS`` says of the result (protocol/SPEC.md, section on outputs)."""
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
            # Ours may stand there already: whoever published it died before it could say so.
            is_ours = self._job.old_result.is_finished(view.result_epoch)
            receipt = staged.seal()
            storage.settle([receipt.staged])
            storage.publish(receipt, replace=self._job.old_result.exists or is_ours)
            storage.settle([self._workspace.output])
        except ObjectNotFound as error:
            raise LeaseLost(str(error)) from error
