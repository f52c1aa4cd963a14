"""The error about a piece of a compressed file that is not what the planner found."""

from __future__ import annotations

from kubemr_shell.errors import CorruptInput
from kubemr_shell.shown import shown

WHOLE_FILE = "get a correct copy; if the copy is correct, set split.wholeFiles: true (--whole-files)"
"""The advice on a file whose blocks are not where the planner found them."""


def no_block(name: str, at: int) -> CorruptInput:
    """Return the error about a place at which the plan found a block, and the reader of the blocks before does not."""
    return CorruptInput(
        f"{shown(name)}: byte {at}: the planner found a block here, but the blocks before do not end here: {WHOLE_FILE}"
    )


def no_block_at_start(name: str, at: int) -> CorruptInput:
    """Return the error about a place at which the plan found a block, and the reader of the block does not."""
    return CorruptInput(
        f"{shown(name)}: byte {at}: the planner found a block here, but no block begins here now: {WHOLE_FILE}"
    )
