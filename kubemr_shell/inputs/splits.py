"""Divides the inputs into splits: large files are cut into pieces of about equal size, and small files share a split.

Pure, except that a cutter may read the inputs. Splits are contiguous and in the order of the inputs, and so are the
parts of a map-only job. Most formats are cut at any byte, and the reader of a piece finds the records of the piece. For
other formats, the cutter finds the boundaries between records, and the cuts are exact. A compressed file is cut where
its decompression can begin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.records.cutter import ANYWHERE, Cutter
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Piece, Split

SMALLEST_TARGET = 1 << 20
"""The smallest target size of a split in bytes. Less is not worth a process, unless split.maxBytes asks for less."""
TASKS_A_SLOT = 4
"""The number of tasks for each slot, so that a slot that ends its task early finds another task."""
MOST_PIECES = 1000
"""The largest number of pieces in a split, so that a task that runs again does not open a million files again."""


def plan_splits(
    objects: Sequence[InputObject], *, split: SplitSpec, parallelism: int, cutter: Cutter = ANYWHERE
) -> Iterator[Split]:
    """Yield the splits of a job. ``parallelism`` is the number of tasks that can run at the same time.

    ``cutter`` finds the places where large files are cut. Raise its errors.
    """
    if split.whole_files:
        yield from (Split(pieces=(whole_piece(item),)) for item in objects)
        return
    target = target_size(objects, split, parallelism)
    packed: list[Piece] = []
    room = target
    for item in objects:
        size = None if split.pack is False else packed_size(item, target)
        if packed and (size is None or size > room or len(packed) == MOST_PIECES):
            yield Split(pieces=tuple(packed))
            packed, room = [], target
        if size is None:
            yield from (Split(pieces=(piece,)) for piece in _cut(item, target, cutter))
        else:
            packed.append(whole_piece(item))
            room -= size
    if packed:
        yield Split(pieces=tuple(packed))


def packing_rules(
    rules: SplitSpec, spec: JobSpec, paths: Mapping[str, str], *, inputs: int
) -> tuple[SplitSpec, tuple[str, ...]]:
    """Return the rules and the notes of ``with_packing`` for a number of inputs. One input is never packed."""
    if inputs < 2:
        return rules, ()
    from kubemr_shell.inputs.packing import with_packing

    return with_packing(rules, spec, paths)


def target_size(objects: Sequence[InputObject], split: SplitSpec, parallelism: int) -> int:
    """Return the size in bytes that splits should have. Smaller files are packed, larger ones are cut."""
    known = sum(item.size for item in objects if item.size is not None)
    return min(split.max_bytes, max(SMALLEST_TARGET, -(-known // (TASKS_A_SLOT * parallelism))))


def packed_size(item: InputObject, target: int) -> int | None:
    """Return the size of an input that shares a split with others, or None if it does not share one.

    An input with a line break in its name has a split of its own: a list of files has one name in each line.
    """
    if item.size is None or item.size >= target or item.alone or "\n" in item.uri:
        return None
    return item.size


def whole_piece(item: InputObject) -> Piece:
    """Return the piece that is the whole input."""
    return piece_of(item, 0, item.size)


def _cut(item: InputObject, target: int, cutter: Cutter) -> Iterator[Piece]:
    """Cut an input into pieces of about equal length, none longer than the target unless a record is."""
    if item.size is None or not item.splittable:
        yield whole_piece(item)
        return
    pieces = max(1, -(-item.size // target))
    wanted = [item.size * number // pieces for number in range(1, pieces)]
    cuts = cutter.cuts(item, wanted) if wanted else []
    for start, end in pairwise([0, *cuts, item.size]):
        yield piece_of(item, start, end, exact=cutter.is_exact and item.codec == "none")


def piece_of(item: InputObject, start: int, end: int | None, *, exact: bool = False) -> Piece:
    """Return the piece of an input from ``start`` to ``end``. ``exact``: whether both are boundaries of records."""
    return Piece(
        uri=item.uri,
        start=start,
        end=end,
        size=item.size,
        codec=item.codec,
        fingerprint=item.fingerprint,
        exact=exact,
    )
