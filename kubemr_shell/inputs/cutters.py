"""Chooses how the inputs are divided into splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.records.cutter import ANYWHERE, BySize, Cutter, ReadingCutter
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.splits import cuts_by_size, is_cut, plan_splits, target_size
from kubemr_shell.job.records import LINES, Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import NOBODY


def cutter_of(records: Records | None, *, folder: str, s3: S3Config, cancel_fd: int = NOBODY) -> Cutter:
    """Return the cutter of a format. None: the job names no format. ``folder`` is the folder of relative names."""
    match (records or LINES).kind:
        case "csv":
            from kubemr_shell.inputs.csv_cutter import CsvCutter

            return _WholeIfCompressed(CsvCutter(folder=folder, s3=s3, cancel_fd=cancel_fd))
        case "warc":
            from kubemr_shell.inputs.warc_cutter import WarcCutter

            return _WholeIfCompressed(WarcCutter(folder=folder, s3=s3, cancel_fd=cancel_fd))
        case "bytes":
            assert records is not None
            return _WholeIfCompressed(BySize(records.size))
    return _AtBlocksIfCompressed(is_named=records is not None, folder=folder, s3=s3, cancel_fd=cancel_fd)


def splits_of(
    objects: Sequence[InputObject],
    records: Records | None,
    split: SplitSpec,
    *,
    parallelism: int,
    folder: str,
    scratch: str,
    s3: S3Config,
    cancel_fd: int = NOBODY,
) -> Iterator[Split]:
    """Yield the splits of a job. ``parallelism`` is the number of tasks that can run at the same time.

    ``folder`` is the folder of relative names, and ``scratch`` a folder for temporary files. Raise InputError for an
    input that cannot be read or divided, and Cancelled.
    """
    if split.feed == "files":
        from kubemr_shell.inputs.input_files import whole_files

        objects = whole_files(objects)
        split = replace(split, whole_files=True)
    if split.group is not None:
        from kubemr_shell.inputs.groups import splits_by_group

        yield from splits_by_group(objects, split.group, are_files=split.feed == "files")
        return
    if records is None and (cut := _cut_between_lines(objects, split, parallelism)):
        from kubemr_shell.inputs.unnamed_records import refuse_unnamed_records

        refuse_unnamed_records(cut, folder=folder, s3=s3, cancel_fd=cancel_fd)
    if split.records is not None:
        from kubemr_shell.inputs.record_splits import RecordCounter, RecordLimits, splits_by_records

        limits = RecordLimits(records=split.records, bytes=split.max_bytes, is_packed=split.pack is not False)
        counter = RecordCounter(
            RecordFormat(records), limits, folder=folder, scratch=scratch, s3=s3, cancel_fd=cancel_fd
        )
        splits = splits_by_records(counter.counted(objects), limits)
        yield from splits if records is not None else _refusing_cuts(splits, objects, folder, s3, cancel_fd)
        return
    cutter = cutter_of(records, folder=folder, s3=s3, cancel_fd=cancel_fd)
    yield from plan_splits(objects, split=split, parallelism=parallelism, cutter=cutter)


class _WholeIfCompressed(Cutter):
    """A cutter for formats in which only the bytes before a cut show where a record begins."""

    def __init__(self, plain: Cutter) -> None:
        self._plain = plain

    @property
    def is_exact(self) -> bool:
        return self._plain.is_exact

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        return self._plain.cuts(item, wanted) if item.codec == "none" else []


class _AtBlocksIfCompressed(ReadingCutter):
    """A cutter for formats whose readers find the boundaries of records."""

    is_exact = False

    def __init__(self, *, is_named: bool, folder: str, s3: S3Config, cancel_fd: int) -> None:
        super().__init__(folder=folder, s3=s3, cancel_fd=cancel_fd)
        self._is_named = is_named

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        if item.codec == "none":
            return ANYWHERE.cuts(item, wanted)
        from kubemr_shell.inputs.blocks.cutter import block_cuts

        cuts = block_cuts(item, wanted, folder=self._folder, s3=self._s3, cancel_fd=self._cancel_fd)
        if cuts and not self._is_named:
            from kubemr_shell.inputs.unnamed_records import refuse_unnamed_records

            refuse_unnamed_records([item], folder=self._folder, s3=self._s3, cancel_fd=self._cancel_fd)
        return cuts


def _cut_between_lines(objects: Sequence[InputObject], split: SplitSpec, parallelism: int) -> list[InputObject]:
    """Return the inputs that a job of lines cuts, but for those of which only the cutter knows: compressed inputs.

    With split.records, the counts of records show later what is cut.
    """
    if not cuts_by_size(split):
        return []
    target = target_size(objects, split, parallelism)
    return [item for item in objects if is_cut(item, target)]


def _refusing_cuts(
    splits: Iterator[Split], objects: Sequence[InputObject], folder: str, s3: S3Config, cancel_fd: int
) -> Iterator[Split]:
    """Yield the splits. Raise InputError at the first piece of a cut input whose records have several lines."""
    by_uri = {item.uri: item for item in objects}
    checked = ""
    for split in splits:
        for piece in split.pieces:
            if not piece.is_whole and piece.uri != checked:
                from kubemr_shell.inputs.unnamed_records import refuse_unnamed_records

                refuse_unnamed_records([by_uri[piece.uri]], folder=folder, s3=s3, cancel_fd=cancel_fd)
                checked = piece.uri
        yield split
