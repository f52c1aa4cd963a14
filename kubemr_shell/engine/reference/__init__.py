"""The engine in plain Python: what the native module must do, byte for byte.

It runs where the native module could not be built, and it is what property tests hold the native module to. Memory
is bounded here too; the bounds are estimates, because nobody can say what a Python object costs.
"""

from __future__ import annotations

from kubemr_shell.engine.reference.collector import Collector
from kubemr_shell.engine.reference.facts import Fed, OutputFacts, Source
from kubemr_shell.engine.reference.merger import Merger
from kubemr_shell.engine.reference.partition import partition_of
from kubemr_shell.engine.reference.scan import count_lines, scan

__all__ = ["Collector", "Fed", "Merger", "OutputFacts", "Source", "count_lines", "partition_of", "scan"]
