"""The engine in plain Python. The native module must do the same, byte for byte.

The reference runs if the native module could not be built, and property tests compare the native module with it.
Memory is bounded here too, but the bounds are estimates: the exact memory of a Python object is not known.
"""

from __future__ import annotations

from kubemr_shell.engine.reference.collector import Collector
from kubemr_shell.engine.reference.facts import Fed, OutputFacts, Source
from kubemr_shell.engine.reference.merger import Merger
from kubemr_shell.engine.reference.partition import partition_of
from kubemr_shell.engine.reference.record_scanner import RecordScanner
from kubemr_shell.engine.reference.scan import count_byte, count_lines, scan

__all__ = [
    "Collector",
    "Fed",
    "Merger",
    "OutputFacts",
    "RecordScanner",
    "Source",
    "count_byte",
    "count_lines",
    "partition_of",
    "scan",
]
