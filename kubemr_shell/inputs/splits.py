"""Divides the inputs into splits: large files are cut into pieces of about equal size, and small files share a split.

Pure, except that a cutter may read the inputs. Splits are contiguous and in the order of the inputs, and so are the
parts of a map-only job. Most formats are cut at any byte, and the reader of a piece finds the records of the piece. For
other formats, the cutter finds the boundaries between records, and the cuts are exact. A compressed file is cut where
its decompression can begin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.records.cutter import ANYWHERE, Cutter
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Header, Piece, Split

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
    packed = _Packed(target)
    for item in objects:
        shares = is_packed(item, split, target)
        if not (shares and packed.has_room(item)):
            yield from packed.taken()
        if shares:
            packed.add(item)
        else:
            header = item.header.name if item.header and item.records_start else ""
            yield from (Split((piece,), "" if piece.is_whole else header) for piece in _cut(item, target, cutter))
    yield from packed.taken()


class _Packed:
    """The small inputs that share the next split. All of them that are not empty have the same header."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pieces: list[Piece] = []
        self._room = target
        self._header: Header | None = None

    def has_room(self, item: InputObject) -> bool:
        """Return whether the split can take the input."""
        assert item.size is not None
        is_equal = not (item.header and self._header) or item.header.name == self._header.name
        return is_equal and item.size <= self._room and len(self._pieces) < MOST_PIECES

    def add(self, item: InputObject) -> None:
        """Add an input."""
        assert item.size is not None
        self._pieces.append(whole_piece(item))
        self._room -= item.size
        self._header = self._header or item.header

    def taken(self) -> Iterator[Split]:
        """Yield the split if it has an input, and begin another one."""
        if self._pieces:
            yield Split(tuple(self._pieces))
        self._pieces, self._room, self._header = [], self._target, None


def cuts_by_size(split: SplitSpec) -> bool:
    """Return whether an input is cut if it is larger than a split should be."""
    return not split.whole_files and split.records is None and split.group is None and split.feed == "stdin"


def target_size(objects: Sequence[InputObject], split: SplitSpec, parallelism: int) -> int:
    """Return the size in bytes that splits should have. Smaller files are packed, larger ones are cut."""
    known = sum(item.size for item in objects if item.size is not None)
    return min(split.max_bytes, max(SMALLEST_TARGET, -(-known // (TASKS_A_SLOT * parallelism))))


def is_packed(item: InputObject, split: SplitSpec, target: int) -> bool:
    """Return whether an input shares a split with others.

    An input with a line break in its name has a split of its own: a list of files has one name in each line.
    """
    is_small = item.size is not None and item.size < target
    return split.pack is not False and is_small and not item.alone and "\n" not in item.uri


def is_cut(item: InputObject, target: int) -> bool:
    """Return whether an input is cut, as far as this is known without a look for the blocks of a compressed input."""
    return item.codec == "none" and bool(_wanted_cuts(item, target))


def whole_piece(item: InputObject) -> Piece:
    """Return the piece that is the whole input."""
    return piece_of(item, 0, item.size)


def _cut(item: InputObject, target: int, cutter: Cutter) -> Iterator[Piece]:
    """Cut an input into pieces of about equal length, none longer than the target unless a record is."""
    wanted = _wanted_cuts(item, target)
    cuts = cutter.cuts(item, wanted) if wanted else []
    if not cuts:
        yield whole_piece(item)
        return
    assert item.size is not None
    for start, end in pairwise([item.records_start, *cuts, item.size]):
        yield piece_of(item, start, end, exact=cutter.is_exact and item.codec == "none")


def _wanted_cuts(item: InputObject, target: int) -> list[int]:
    """Return the offsets that divide an input into pieces of about equal length, or none if it stays whole."""
    if item.size is None or not item.splittable:
        return []
    begin = item.records_start
    size = item.size - begin
    pieces = max(1, -(-size // target))
    return [begin + size * number // pieces for number in range(1, pieces)]


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
