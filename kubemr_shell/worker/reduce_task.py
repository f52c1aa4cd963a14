"""Reduce tasks: they merge the partition's ranges of every map output, and feed them to the command for a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubemr_shell import engine
from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import CorruptRun, ObjectNotFound
from kubemr_shell.job.spec import Command
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.map_outputs import Gathering, MapOutputs
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import Cancelled
from kubemr_shell.worker.attempt_results import AttemptEnded, Dropped, Spoiled
from kubemr_shell.worker.commands import Subject, raise_end
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.part import PartWriter, feed_staged, sealed

IDENTITY: Command = ("cat",)
"""The command of reduce tasks if a job has no reduceCommand but compresses its output."""


class PartitionFeed:
    """A feed of the sorted lines of a partition, for one use. Ranges elsewhere are fetched to this machine first."""

    def __init__(self, gathering: Gathering, *, memory_bytes: int, scratch: str) -> None:
        self._gathering = gathering
        self._memory_bytes = memory_bytes
        self._scratch = scratch
        self._merger: engine.Merger | None = None
        self.fed: engine.Fed | None = None
        """The counts of the merge, after its end."""

    def __call__(self, descriptor: int, cancel: int) -> None:
        try:
            sources = self._gathering.sources(cancel)
            self._merger = engine.Merger(sources, memory_bytes=self._memory_bytes, scratch_dir=self._scratch)
            self.fed = self._merger.feed(descriptor, cancel)
        except Cancelled:
            return
        except (CorruptRun, ObjectNotFound) as error:
            if (lost := self._gathering.lost_output(error)) is not None:
                raise lost from error
            raise
        finally:
            self._gathering.close()

    @property
    def moved(self) -> int:
        """Return the bytes that the command has received so far."""
        return int(self._merger.moved) if self._merger else 0


class ReduceTasks:
    """The runner of the reduce tasks of one slot. ``view`` returns the job as the last step of the board saw it."""

    def __init__(self, job: JobContext, parts: PartWriter, outputs: MapOutputs, view: Callable[[], JobView]) -> None:
        self._job = job
        self._parts = parts
        self._outputs = outputs
        self._view = view
        self.moved: Callable[[], int] = lambda: 0
        """Returns the bytes that the running attempt has read so far."""

    def run(self, attempt: Attempt, cancel: Flag) -> Entry:
        """Run an attempt, and return its journal entry. Raise AttemptEnded if it does not succeed."""
        view = self._view()
        if not view.is_closed(Phase.MAP):  # reopened since this task was claimed
            raise AttemptEnded(Spoiled(attempt=attempt, phase=Phase.MAP, lost=(), reason="map tasks run again"))
        feed = partition_feed(self._job, self._outputs, view, attempt.task)
        self.moved = lambda: feed.moved
        subject = Subject(phase=Phase.REDUCE, attempt=attempt, command=self._job.spec.reduce_command)
        try:
            if subject.command is None and self._job.spec.compress_output == "none":
                entry = self._write_sorted(subject, feed, cancel)
            else:
                subject = replace(subject, command=subject.command or IDENTITY)
                entry = self._parts.write(subject, feed, cancel)
        finally:
            self.moved = lambda: 0
        if feed.fed is None:
            return entry
        return replace(
            entry,
            records_in=feed.fed.records,
            bytes_in=feed.fed.raw_bytes,
            heaviest_key=feed.fed.heaviest_key.decode("latin-1"),
            heaviest_records=feed.fed.heaviest_records,
        )

    def _write_sorted(self, subject: Subject, feed: PartitionFeed, cancel: Flag) -> Entry:
        """Write the sorted lines as the part, because the job has no reduceCommand and no command needs to run."""
        staged = self._parts.stage(subject.attempt)
        descriptor = staged.fileno()
        try:
            try:
                if descriptor is None:
                    feed_staged(feed, staged, cancel.fd)
                else:
                    feed(descriptor, cancel.fd)
            except OSError as error:
                where = error.filename or self._job.workspace.staged(*subject.attempt)
                raise explained(error, str(where)) from error
            except Exception as error:  # noqa: BLE001 - ``raise_end`` decides, as for a feed
                raise_end(subject, error)
            if cancel.is_set():
                raise AttemptEnded(Dropped(attempt=subject.attempt))
            return sealed(subject.attempt, staged)
        except BaseException:
            staged.abandon()
            raise


def partition_feed(job: JobContext, outputs: MapOutputs, view: JobView, partition: int) -> PartitionFeed:
    """Return a feed of the sorted lines of a partition. The map phase of the job is closed."""
    manifests = [
        job.workspace.shard_manifest(Phase.MAP, view.shard_epoch(Phase.MAP, shard), shard)
        for shard in range(view.layout(Phase.MAP).shards)
    ]
    return PartitionFeed(
        outputs.gather(manifests, partition), memory_bytes=job.memory.share_bytes, scratch=job.workspace.scratch
    )
