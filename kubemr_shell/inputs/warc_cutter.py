"""Cuts large WARC files between records.

The planner reads the headers of the records in a local file, and all bytes of a remote file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import open_local, read_remote
from kubemr_shell.inputs.records.cutter import ReadingCutter
from kubemr_shell.inputs.records.scanners import Damage, corrupt_input
from kubemr_shell.inputs.records.warc import WarcBoundaries, ends_in_file
from kubemr_shell.inputs.splits import whole_piece
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.waits.waiter import Waiter

WALKED_BYTES = 64 << 20
"""The bytes of a local file after which the planner checks again whether it was cancelled."""


class WarcCutter(ReadingCutter):
    """A cutter between WARC records."""

    is_exact = True

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        """Return, for each wanted offset, the first end of a record that is not before it.

        Raise CorruptInput for a record that breaks the format, and InputError if the file cannot be read.
        """
        found: list[int] = []
        left = list(reversed(wanted))
        try:
            for end in self._ends(item):
                if left and end >= left[-1]:
                    found.append(end)
                while left and left[-1] <= end:
                    left.pop()
        except Damage as damage:
            raise corrupt_input(damage, item.uri) from damage
        return [cut for cut in found if cut != item.size]

    def _ends(self, item: InputObject) -> Iterator[int]:
        walk = WarcBoundaries()
        assert item.size is not None
        if scheme_of(item.uri) == "file":
            waiter = Waiter(self._cancel_fd)
            with open_local(item, self._folder) as source:
                for start in range(0, item.size, WALKED_BYTES):
                    waiter.check()
                    yield from ends_in_file(walk, source, start, min(start + WALKED_BYTES, item.size))
        else:
            for block in read_remote(whole_piece(item), self._s3, Waiter(self._cancel_fd)):
                yield from walk.feed(block)
        yield from walk.end()
