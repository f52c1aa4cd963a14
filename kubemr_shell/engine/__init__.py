"""The hot path: lines are partitioned, interned, sorted, spilled, merged and fed to commands here.

The native module does it. Where it was not built, for want of a compiler, the Python reference does the same thing,
byte for byte and many times slower; ``compiled`` says which of the two runs. A native module that is there but does
not load is an error: a broken build must not pass for a slow one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubemr_shell.engine._native import (
        Collector,
        Fed,
        Merger,
        OutputFacts,
        Source,
        count_lines,
        partition_of,
        scan,
    )

    compiled: bool
else:
    try:
        from kubemr_shell.engine._native import (
            Collector,
            Fed,
            Merger,
            OutputFacts,
            Source,
            count_lines,
            partition_of,
            scan,
        )
    except ModuleNotFoundError:
        from kubemr_shell.engine.reference import (
            Collector,
            Fed,
            Merger,
            OutputFacts,
            Source,
            count_lines,
            partition_of,
            scan,
        )

        compiled = False
    else:
        compiled = True

__all__ = [
    "Collector",
    "Fed",
    "Merger",
    "OutputFacts",
    "Source",
    "compiled",
    "count_lines",
    "partition_of",
    "scan",
]
