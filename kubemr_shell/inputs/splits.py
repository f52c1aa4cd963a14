"""How inputs become map tasks: large files are cut into pieces of about one size, small ones share a task.

Pure. Splits are contiguous input in input order, so that the parts of a map-only job are too. Pieces are cut at any
byte: whoever reads one begins at the first line that begins in it, and ends with the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.job.spec import SplitSpec
from kubemr_shell.job.split import Piece, Split

SMALLEST_TARGET = 1 << 20
"""Less than this is not worth a process, unless split.maxBytes asks for it."""
TASKS_A_SLOT = 4
"""So that a slot that finishes early finds more to do."""
MOST_PIECES = 1000
"""Of one split: a task that must be done again should not open a million files again."""


def plan_splits(objects: Sequence[InputObject], *, split: SplitSpec, parallelism: int) -> Iterator[Split]:
    """``parallelism`` is how many tasks can run at once."""
    if split.whole_files:
        yield from (Split(pieces=(_whole(item),)) for item in objects)
        return
    known = sum(item.size for item in objects if item.size is not None)
    target = min(split.max_bytes, max(SMALLEST_TARGET, -(-known // (TASKS_A_SLOT * parallelism))))
    packed: list[Piece] = []
    room = target
    for item in objects:
        size = _packed_size(item, target) if split.pack else None
        if packed and (size is None or size > room or len(packed) == MOST_PIECES):
            yield Split(pieces=tuple(packed))
            packed, room = [], target
        if size is None:
            yield from (Split(pieces=(piece,)) for piece in _cut(item, target))
        else:
            packed.append(_whole(item))
            room -= size
    if packed:
        yield Split(pieces=tuple(packed))


def _packed_size(item: InputObject, target: int) -> int | None:
    """None when it does not share a split."""
    return item.size if item.size is not None and item.size < target else None


def _whole(item: InputObject) -> Piece:
    return _piece(item, 0, item.size)


def _cut(item: InputObject, target: int) -> Iterator[Piece]:
    """Pieces of equal length, none longer than the target."""
    if item.size is None or not item.splittable:
        yield _whole(item)
        return
    pieces = max(1, -(-item.size // target))
    for number in range(pieces):
        yield _piece(item, item.size * number // pieces, item.size * (number + 1) // pieces)


def _piece(item: InputObject, start: int, end: int | None) -> Piece:
    return Piece(uri=item.uri, start=start, end=end, size=item.size, codec=item.codec, fingerprint=item.fingerprint)
