"""Runs publish tasks. Each gives the staged parts of one shard of the output phase their final names.

An attempt may stop at any point, and another attempt repeats it: a part that is published already stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import ObjectNotFound
from kubemr_shell.shuffle.output_manifest import StagedPart, decode_output_manifest
from kubemr_shell.storage.interface import Receipt
from kubemr_shell.storage.required_files import job_files_required
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import Cancelled
from kubemr_shell.worker.attempt_results import AttemptEnded, Dropped, Spoiled
from kubemr_shell.worker.for_each import for_each
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry


class PublishTasks:
    """The runner of the publish tasks of one slot. ``view`` returns the job as the last step of the board saw it."""

    def __init__(self, job: JobContext, view: Callable[[], JobView]) -> None:
        self._job = job
        self._workspace = job.workspace
        self._view = view

    def run(self, attempt: Attempt, cancel: Flag) -> Entry:
        """Run an attempt, and return its journal entry. Raise AttemptEnded if it does not succeed."""
        try:
            lost = self._publish_shard(attempt.task, cancel)
        except Cancelled as error:
            raise AttemptEnded(Dropped(attempt=attempt)) from error
        if lost is None or lost:
            reason = f"the outputs of {len(lost)} tasks are neither staged nor published" if lost else "tasks run again"
            phase = self._job.output_phase
            raise AttemptEnded(Spoiled(attempt=attempt, phase=phase, lost=tuple(lost or ()), reason=reason))
        return Entry(task=attempt.task, attempt=attempt.attempt)

    def _publish_shard(self, shard: int, cancel: Flag) -> list[Attempt] | None:
        """Publish the parts of one shard of the output phase. Return the attempts whose output is lost.

        Return None if the shard was reopened since the task was claimed, so that it has no valid manifest. Raise
        Cancelled between two parts if ``cancel`` is set.
        """
        view = self._view()
        if shard not in view.closed_shards(self._job.output_phase):
            return None
        self._remove_old_success(view)
        parts = staged_parts(self._job, view, shard)
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

    def _receipt(self, part: StagedPart) -> Receipt:
        return Receipt(
            staged=self._workspace.staged(part.task, part.attempt),
            target=self._workspace.part(self._job.part_name(part.task)),
            bytes=part.bytes,
            crc32=part.crc32,
            records=part.records,
            seal=part.seal,
        )


def staged_parts(job: JobContext, view: JobView, shard: int) -> list[StagedPart]:
    """Return the staged parts of a closed shard of the output phase, from the manifest of the shard."""
    uri = job.workspace.shard_manifest(job.output_phase, view.shard_epoch(job.output_phase, shard), shard)
    with job_files_required():
        return decode_output_manifest(job.workspace.storage.read(uri), uri)
