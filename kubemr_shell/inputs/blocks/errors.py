"""The error about a piece of a compressed file that is not what the planner found."""

from __future__ import annotations

from kubemr_shell.errors import CorruptInput
from kubemr_shell.shown import shown


def no_block(name: str, codec: str, at: int) -> CorruptInput:
    """Return the error about a place at which the plan found a block, and the reader of the bytes before does not."""
    return CorruptInput(
        f"{shown(name)}: byte {at}: {codec} data was found here when the job was planned, but the data before does "
        "not end here: the file is damaged, or set split.wholeFiles: true (--whole-files) to read the file in one task"
    )
