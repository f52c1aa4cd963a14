"""Map tasks: they feed a split to the mapCommand, and pass its output to the shuffle or directly to a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from kubemr_shell import engine
from kubemr_shell.board.steps import Attempt
from kubemr_shell.command.process import Drain, Feed
from kubemr_shell.command.pump import CountedMove
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.records.formats import RecordFormat, header_format
from kubemr_shell.job.spec import Command
from kubemr_shell.job.split import Split
from kubemr_shell.job.state import Phase
from kubemr_shell.shuffle.combine import combine
from kubemr_shell.shuffle.map_outputs import MapOutputs
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.commands import Commands, Streams, Subject
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.part import PartWriter
from kubemr_shell.worker.splits import PlannedSplits
from kubemr_shell.worker.told import Told

if TYPE_CHECKING:
    from kubemr_shell.inputs.input_files import InputFiles

MapFeed: TypeAlias = "SplitFeed | InputFiles"
"""The feed of a map command. Both kinds count the bytes and the records that the command gets."""


def input_of(job: JobContext, split: Split, header: bytes) -> tuple[MapFeed, InputFiles | None]:
    """Return the feed for the command of a split, and the files that must be in its folder, if any.

    ``header`` is the header that the plan has for the split.
    """
    if job.spec.split.feed == "files":
        from kubemr_shell.inputs.input_files import InputFiles

        files = InputFiles(split, folder=job.folder, s3=job.workspace.s3)
        return files, files
    feed = SplitFeed(
        split,
        folder=job.folder,
        scratch=job.workspace.scratch,
        records=RecordFormat(job.spec.records),
        headers=header_format(job.spec.header, job.spec.records),
        planned_header=header,
        s3=job.workspace.s3,
        memory=job.memory.read_ahead_bytes,
    )
    return feed, None


class MapTasks:
    """The runner of the map tasks of one slot.

    The collector is kept between tasks, together with the lines that it knows already.
    """

    def __init__(
        self, job: JobContext, commands: Commands, parts: PartWriter, outputs: MapOutputs, splits: PlannedSplits
    ) -> None:
        self._job = job
        self._commands = commands
        self._parts = parts
        self._outputs = outputs
        self._splits = splits
        self._collectors: list[engine.Collector] = []
        self.moved: Callable[[], int] = lambda: 0
        """Returns the bytes that the running attempt has read so far."""

    def close(self) -> None:
        """Close the collectors."""
        for collector in self._collectors:
            collector.close()

    def run(self, attempt: Attempt, cancel: Flag) -> Entry:
        """Run an attempt, and return its journal entry. Raise AttemptEnded if it does not succeed."""
        split = self._splits.of_task(attempt.task)
        feed, files = input_of(self._job, split, self._splits.header_of(split))
        self.moved = lambda: feed.moved
        try:
            subject = Subject(phase=Phase.MAP, attempt=attempt, command=self._command, split=split, files=files)
            if self._job.is_map_only:
                entry = self._parts.write(subject, feed, cancel)
            else:
                entry = self._collect(subject, feed, cancel)
        finally:
            self.moved = lambda: 0
        if feed.notices:
            warning = entry.warning or feed.notices[0]
            entry = replace(entry, warnings=entry.warnings + len(feed.notices), warning=warning)
        return replace(entry, records_in=feed.records_fed, bytes_in=feed.bytes_fed)

    @property
    def _command(self) -> Command:
        assert self._job.spec.map_command is not None
        return self._job.spec.map_command

    def _collect(self, subject: Subject, feed: MapFeed, cancel: Flag) -> Entry:
        attempt = subject.attempt
        self._collectors = self._collectors or self._new_collectors()
        collected = self._collectors[0]
        streams = Streams(feed=feed, drain=CountedMove(collected.drain, collected))
        try:
            told = Told()
            told.take(self._commands.run(subject, streams, cancel))
            if self._job.spec.combine_command is not None:
                self._combine(replace(subject, command=self._job.spec.combine_command, files=None), cancel, told)
            facts, lengths = self._outputs.write(attempt, self._collectors[-1])
        finally:
            for collector in self._collectors:
                collector.reset()
        entry = Entry(
            task=attempt.task,
            attempt=attempt.attempt,
            records_out=facts.records,
            bytes_out=facts.raw_bytes,
            lengths=lengths,
        )
        return told.in_entry(entry)

    def _new_collectors(self) -> list[engine.Collector]:
        """Return a new collector and, if the job has a combiner, a second one for the combiner's output."""
        count = 1 if self._job.spec.combine_command is None else 2
        spec, memory = self._job.spec, self._job.memory
        return [
            engine.Collector(
                partitions=self._job.partitions,
                separator=spec.key.separator,
                key_fields=spec.key.fields,
                memory_bytes=memory.share_bytes // count,
                max_record_bytes=memory.largest_record_bytes(count),
                spill_dir=self._job.workspace.scratch,
            )
            for _ in range(count)
        ]

    def _combine(self, subject: Subject, cancel: Flag, told: Told) -> None:
        collected, combined = self._collectors

        def run(feed: Feed, drain: Drain) -> None:
            told.take(self._commands.run(subject, Streams(feed=feed, drain=drain), cancel, log_suffix=".combine"))

        combine(
            collected,
            run,
            drain=CountedMove(combined.drain, combined),
            folder=self._job.workspace.scratch,
            name=f"{self._job.worker}.{subject.attempt.task}.collected",
            memory_bytes=self._job.memory.share_bytes // 4,
        )
