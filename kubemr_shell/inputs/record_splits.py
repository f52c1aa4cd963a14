"""Divides the inputs into splits with a limited number of records. The planner reads all inputs once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.compression import with_head
from kubemr_shell.inputs.download import is_remote
from kubemr_shell.inputs.file_kind import ARCHIVES
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import open_local, read_remote
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.records.scanners import Damage, corrupt_input
from kubemr_shell.inputs.splits import MOST_PIECES, is_packed, piece_of, whole_piece
from kubemr_shell.inputs.unpacking import unpacked
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.shown import shown
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import Waiter

READ_BYTES = 256 << 10
"""The bytes of a local file that are read at once."""
SHORT_BYTES = 1 << 20
"""The size in bytes up to which remote inputs are read at the same time."""
READS_AT_ONCE = 16
"""The number of short remote inputs that are read at the same time."""
BATCH = 256
"""The number of inputs that are read before the splits of the first of them are returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An input whose records the planner has counted."""

    item: InputObject
    cuts: Sequence[int]
    """The offsets at which the input is cut, in increasing order and inside the input."""
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLimits:
    """The limits of one split."""

    records: int
    bytes: int
    is_packed: bool
    """Whether inputs share splits."""


def splits_by_records(counted: Iterable[Counted], limits: RecordLimits) -> Iterator[Split]:
    """Yield the splits, contiguous and in the order of the inputs. Only inputs that are not cut share a split. Pure."""
    packed: list[Piece] = []
    records = size = 0
    for found in counted:
        own = _own_size(found, limits)
        is_over = own is None or records + found.records > limits.records or size + own > limits.bytes
        if packed and (is_over or len(packed) == MOST_PIECES):
            yield Split(pieces=tuple(packed))
            packed, records, size = [], 0, 0
        if own is None:
            yield from (Split(pieces=(piece,)) for piece in _cut(found))
        else:
            packed.append(whole_piece(found.item))
            records += found.records
            size += own
    if packed:
        yield Split(pieces=tuple(packed))


def _own_size(found: Counted, limits: RecordLimits) -> int | None:
    """Return the size of an input that shares a split with others, or None if it does not share one."""
    is_shared = limits.is_packed and not found.cuts and is_packed(found.item, SplitSpec(), limits.bytes)
    return found.item.size if is_shared else None


def _cut(found: Counted) -> Iterator[Piece]:
    item = found.item
    if not found.cuts:
        yield whole_piece(item)
        return
    assert item.size is not None
    for start, end in pairwise([0, *found.cuts, item.size]):
        yield piece_of(item, start, end, exact=True)


class RecordCounter:
    """A reader of inputs that counts their records and finds their cuts.

    ``folder`` is the folder of relative names, and ``scratch`` a folder for temporary files.
    """

    def __init__(
        self, records: RecordFormat, limits: RecordLimits, *, folder: str, scratch: str, s3: S3Config, cancel_fd: int
    ) -> None:
        self._format = records
        self._limits = limits
        self._folder = folder
        self._scratch = scratch
        self._s3 = s3
        self._cancel_fd = cancel_fd

    def counted(self, objects: Iterable[InputObject]) -> Iterator[Counted]:
        """Yield the inputs in their order.

        Raise InputError for an input that cannot be cut but has more records than a split may have, CorruptInput for a
        damaged record, and Cancelled.
        """
        waiter = Waiter(self._cancel_fd)
        rest = iter(objects)
        while batch := list(islice(rest, BATCH)):
            short = filter(_is_short, batch)
            answers = iter(in_threads(lambda item, _: self._count(item), short, at_once=READS_AT_ONCE, waiter=waiter))
            for item in batch:
                yield next(answers) if _is_short(item) else self._count(item)

    def _count(self, item: InputObject) -> Counted:
        if item.size == 0:
            return Counted(item=item, cuts=(), records=0)
        if is_remote(item.uri):
            return self._count_stream(item, read_remote(whole_piece(item), self._s3, Waiter(self._cancel_fd)))
        with open_local(item, self._folder) as source:
            return self._count_stream(item, self._blocks(source, item.size))

    def _blocks(self, source: int, size: int | None) -> Iterator[bytes]:
        """Yield the bytes that a local file had when it was listed. The file may have grown since."""
        assert size is not None
        waiter = Waiter(self._cancel_fd)
        left = size
        while block := os.read(source, min(READ_BYTES, left)):
            waiter.check()
            yield block
            left -= len(block)

    def _count_stream(self, item: InputObject, chunks: Iterator[bytes]) -> Counted:
        if is_s3(item.uri):  # the listing of a bucket shows no first bytes, and so neither kind nor encoding
            head, chunks = with_head(chunks)
            item = item.looked_at(head)
        if item.codec == "none" and item.splittable and item.size is not None:
            return self._find_cuts(item, chunks)
        return Counted(item=item, cuts=(), records=self._count_uncut(item, chunks))

    def _find_cuts(self, item: InputObject, chunks: Iterator[bytes]) -> Counted:
        found = self._format.cuts(most=self._limits.records, most_bytes=self._limits.bytes)
        cuts: list[int] = []
        with _damage_of(item.uri):
            for chunk in chunks:
                cuts += found.feed(chunk)
            cuts += found.end()
        return Counted(item=item, cuts=[cut for cut in cuts if cut != item.size], records=found.records)

    def _count_uncut(self, item: InputObject, chunks: Iterator[bytes]) -> int:
        """Return the number of records in an input that cannot be cut. Stop at the first one too many."""
        files = (
            [(item.uri, chunks)]
            if item.codec == "none"
            else ((file.name, file.chunks) for file in unpacked(chunks, item.uri, scratch=self._scratch))
        )
        before = 0
        for name, content in files:
            found = self._format.cuts(most=self._limits.records + 1, most_bytes=1 << 62)
            with _damage_of(name):
                for chunk in content:
                    deque(found.feed(chunk), maxlen=0)
                    if before + found.records > self._limits.records:
                        raise self._too_many(item)
                deque(found.end(), maxlen=0)
            before += found.records
            if before > self._limits.records:
                raise self._too_many(item)
        return before

    def _too_many(self, item: InputObject) -> InputError:
        if item.encoding:
            why = "a file in UTF-16 or UTF-32 is not cut: convert it to UTF-8"
        elif item.codec in ARCHIVES:
            why = "an archive is not cut: unpack it"
        elif item.codec != "none":
            why = f"a {item.codec} file is not cut: unpack it"
        else:
            why = "its server sends no ranges of bytes, so it is not cut: copy it to this machine"
        return InputError(
            f"{shown(item.uri)}: has more records than the {self._limits.records} of split.records, and {why}, or "
            "remove split.records (--split-records)"
        )


def _is_short(item: InputObject) -> bool:
    return is_remote(item.uri) and item.size is not None and 0 < item.size <= SHORT_BYTES


@contextmanager
def _damage_of(name: str) -> Iterator[None]:
    try:
        yield
    except Damage as damage:
        raise corrupt_input(damage, name) from damage
