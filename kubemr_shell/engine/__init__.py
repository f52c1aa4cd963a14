"""The hot path: partitions, interns, sorts, spills and merges lines, and feeds them to commands.

The native module does this work. If no compiler was present to build it, the Python reference does the same work: byte
for byte, and many times slower. ``compiled`` is True if the native module is in use. A native module that exists but
does not load is an error, because a broken build must not look like a slow one. A native module of another version of
the interface is an error too, because it was built from other sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubemr_shell.engine.version import check_version

if TYPE_CHECKING:
    from kubemr_shell.engine._native import (
        Collector,
        Fed,
        Merger,
        OutputFacts,
        RecordScanner,
        Source,
        count_byte,
        count_lines,
        partition_of,
        scan,
    )

    compiled: bool
else:
    try:
        import kubemr_shell.engine._native as native

        check_version(native)
        from kubemr_shell.engine._native import (
            Collector,
            Fed,
            Merger,
            OutputFacts,
            RecordScanner,
            Source,
            count_byte,
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
            RecordScanner,
            Source,
            count_byte,
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
    "RecordScanner",
    "Source",
    "compiled",
    "count_byte",
    "count_lines",
    "partition_of",
    "scan",
]
