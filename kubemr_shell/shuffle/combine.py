"""Running the combiner over what a map task collected.

The combiner gets the lines of one partition in order, as a reducer does, and what it writes is collected anew: it
may change keys, so its output is partitioned and sorted again.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from kubemr_shell import engine

Stream = Callable[[int, int], object]
"""Moves bytes through a descriptor until its end, or until the second one, a cancel descriptor, is readable."""
RunCombiner = Callable[[Stream, Stream], bool]
"""Runs the command once, with what feeds its stdin and what drains its stdout; False when it did not succeed."""


def combine(
    collected: engine.Collector, combined: engine.Collector, *, run: RunCombiner, folder: str, memory_bytes: int
) -> bool:
    """Fill ``combined`` with what the combiner makes of ``collected``; False as soon as a run of it fails."""
    path = os.path.join(folder, ".kubemr-collected")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        facts = collected.write_output(descriptor)
        for offset, stored, records, _ in facts.partitions:
            if not records:
                continue
            source = engine.Source(path, offset, stored)
            merger = engine.Merger([source], memory_bytes=memory_bytes, scratch_dir=folder)
            if not run(merger.feed, combined.drain):
                return False
        return True
    finally:
        os.close(descriptor)
        os.unlink(path)
