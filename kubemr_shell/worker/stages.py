"""The steps that one worker does for all workers: close a shard, publish its parts, finish the job.

The board gives each step to one worker. If the worker dies in the middle, another worker repeats the step. So every
step may run twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, TypeVar

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.steps import Attempt, Claim, Closing, RoleClaim
from kubemr_shell.errors import (
    JobFolderGone,
    KubemrError,
    ObjectNotFound,
    Sequel,
    StorageError,
)
from kubemr_shell.job import names
from kubemr_shell.job.counters import summed_within
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.output_manifest import StagedPart, decode_output_manifest
from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.required_files import job_files_required
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import Cancelled
from kubemr_shell.worker.closing import (
    MissingEntries,
    entries_of_winners,
    requests_of,
    shard_counters,
    shard_manifest,
    shard_totals,
)
from kubemr_shell.worker.for_each import for_each
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.lease import kept

PROTOCOL_VERSION = "1.0"
"""The version of protocol/SPEC.md in ``_SUCCESS``."""
PARTS_IN_RESULTS = 256
"""The number of part names in the results that the board keeps."""

T = TypeVar("T")


class Stages:
    """The steps of one job for one worker, in the workspace and on the board of the job.

    A step raises LeaseLost if another worker takes it over, and JobFolderGone if the folder of the job is gone. Soon
    after ``cancel`` is set, ``finish`` gives the role of the finisher back, and another worker begins again.
    """

    def __init__(self, board: Board, job: JobContext, *, lease_seconds: float, cancel: Flag) -> None:
        self._board = board
        self._job = job
        self._workspace = job.workspace
        self._lease_seconds = lease_seconds
        self._cancel = cancel

    @property
    def max_attempts(self) -> int:
        """Return the greatest number of attempts of a task."""
        return self._job.spec.max_attempts

    @property
    def output_phase(self) -> Phase:
        """Return the phase whose tasks write the parts."""
        return self._job.output_phase

    def write_journal(self, claim: Claim, entries: list[Entry]) -> None:
        """Write the entries of finished attempts to the journal, before the claim commits them."""
        self._workspace.write_batch(claim.phase, claim.shard, claim.id, entries)

    def abandon(self, phase: Phase, attempts: Sequence[Attempt]) -> None:
        """Delete the staged parts of attempts that cannot win. The end of the job removes those that are left."""
        if phase is not self.output_phase:
            return
        storage = self._workspace.output_storage
        with suppress(KubemrError):
            for_each(lambda attempt: storage.abandon(self._workspace.staged(*attempt)), attempts, storage)

    def close(self, step: Closing) -> Sequence[Attempt]:
        """Write the manifest of a shard and close the shard. Return the winners that the journal lacks, if any."""
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
        """Return the entries whose counters are subtracted. Raise StorageError if the journal has lost one."""
        if lost := [attempt for attempt in step.replaced if attempt not in entries]:
            uri = self._workspace.journal(step.phase, step.shard)
            raise StorageError(
                f"{uri}.*: damaged or gone, although {names.task_label(step.phase, lost[0].task)} was counted from it: "
                "the job cannot continue without it",
                sequel=Sequel.BEGINS_ANEW,
            )
        return [entries[attempt] for attempt in step.replaced]

    def finish(self, claim: RoleClaim) -> None:
        """Remove the surplus parts of an old result, write ``_SUCCESS``, and make the job COMPLETE."""
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

    def publish(self, shard: int, cancel: Flag) -> list[Attempt] | None:
        """Publish the parts of one shard of the output phase. Return the attempts whose output is lost.

        Return None if the shard was reopened since the task was claimed, so that it has no valid manifest. Raise
        Cancelled between two parts if ``cancel`` is set.
        """
        view = self._board.known
        if shard not in view.closed_shards(self.output_phase):
            return None
        self._remove_old_success(view)
        parts = self._parts(view, shard)
        storage = self._workspace.output_storage
        # Sync the bytes before the names, and the names before the commit on the board. So after a power cut, every
        # name has its bytes, and every committed task has its names. An empty part has no bytes to lose.
        storage.settle(self._workspace.staged(part.task, part.attempt) for part in parts if part.bytes)
        are_there = for_each(self._publish, parts, storage, cancel.fd)
        storage.settle([self._workspace.output])
        return [
            Attempt(part.task, part.attempt) for part, is_there in zip(parts, are_there, strict=True) if not is_there
        ]

    def _publish(self, part: StagedPart) -> bool:
        """Publish a part. Return False if the part is lost."""
        try:
            self._workspace.output_storage.publish(self._receipt(part), replace=self._job.old_result.exists)
        except ObjectNotFound:
            return False
        return True

    def _remove_old_success(self, view: JobView) -> None:
        """Remove the old ``_SUCCESS``. From now on the output holds no result, until it holds the new result."""
        if not self._job.old_result.stands(view.result_epoch):
            return
        # A suspended finisher of this job's old result must not publish its ``_SUCCESS`` again.
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
        with job_files_required():
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
