"""The combine step of a map task.

The combiner reads the lines of one partition in order, as a reducer does. It may change keys, so its output is
partitioned and sorted again.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from kubemr_shell import engine
from kubemr_shell.command.pump import CountedMove, Flow
from kubemr_shell.shuffle.lengths import ranges
from kubemr_shell.shuffle.map_outputs import write_run
from kubemr_shell.shuffle.scratch_file import open_unnamed, path_of_descriptor


def combine(
    collected: engine.Collector,
    run: Callable[[Flow, Flow], None],
    *,
    drain: Flow,
    folder: str,
    name: str,
    memory_bytes: int,
) -> None:
    """Call ``run`` for each partition with records. Its arguments feed the combiner and drain its output."""
    path = os.path.join(folder, name)
    descriptor = open_unnamed(path)
    try:
        facts = write_run(collected, descriptor, path)
        for offset, length in ranges(facts.lengths):
            if length:
                source = engine.Source(path_of_descriptor(descriptor), offset, length)
                merger = engine.Merger([source], memory_bytes=memory_bytes, scratch_dir=folder)
                run(CountedMove(merger.feed, merger), drain)
    finally:
        os.close(descriptor)
