"""Writes the journal of a shard, and closes the shard when all its tasks are committed.

The board gives the close of a shard to one worker. If the worker dies in the middle, another worker repeats the close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from kubemr_shell.board.board import Board
from kubemr_shell.board.steps import Attempt, Claim, Closing
from kubemr_shell.errors import KubemrError, Sequel, StorageError
from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from kubemr_shell.worker.for_each import for_each
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.shard_summary import (
    MissingEntries,
    entries_of_winners,
    shard_counters,
    shard_manifest,
    shard_totals,
)


class ShardCloser:
    """The worker's access to the journals and manifests of the shards of one job.

    Its methods raise LeaseLost if another worker closes the shard, and JobFolderGone if the folder of the job is gone.
    """

    def __init__(self, board: Board, job: JobContext) -> None:
        self._board = board
        self._job = job
        self._workspace = job.workspace

    def write_journal(self, claim: Claim, entries: list[Entry]) -> None:
        """Write the entries of finished attempts to the journal, before the claim commits them."""
        self._workspace.write_batch(claim.phase, claim.shard, claim.id, entries)

    def abandon(self, phase: Phase, attempts: Sequence[Attempt]) -> None:
        """Delete the staged parts of attempts that cannot win. The end of the job removes those that are left."""
        if phase is not self._job.output_phase:
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
